import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice, deviceName } from './chooseDevice';

export async function forgetDevice(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseDevice(app, node, ({ trust: { kind } }) => kind === 'trusted' || kind === 'stale');
  if (!device) return;
  const forget = t('Forget');
  const answer = await vscode.window.showWarningMessage(
    t('Forget {0}?', deviceName(device)),
    {
      modal: true,
      detail: t(
        'This computer and the device will no longer trust each other. Backups stay where they are. To back up again, tap Trust on the device once more.',
      ),
    },
    forget,
  );
  if (answer === forget) await app.engine.call('unpair', { udid: device.udid });
}
