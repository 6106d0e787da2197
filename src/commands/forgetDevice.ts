import * as vscode from 'vscode';
import type { App } from '../app';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice, deviceName } from './chooseDevice';

export async function forgetDevice(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseDevice(app, node, ({ trust: { kind } }) => kind === 'trusted' || kind === 'stale');
  if (!device) return;
  const forget = vscode.l10n.t('Forget');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Forget {0}?', deviceName(device)),
    {
      modal: true,
      detail: vscode.l10n.t(
        'This computer and the device will no longer trust each other. Backups stay where they are. To back up again, tap Trust on the device once more.',
      ),
    },
    forget,
  );
  if (answer === forget) await app.engine.call('unpair', { udid: device.udid });
}
