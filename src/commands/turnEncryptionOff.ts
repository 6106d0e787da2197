import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import { changeEncryption } from '../app/changeEncryption';
import type { TreeNode } from '../views/tree/nodes';
import { askOldPassword } from './askPassword';
import { deviceName } from './chooseDevice';
import { chooseTrustedDevice } from './chooseTrustedDevice';

export async function turnEncryptionOff(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseTrustedDevice(app, node);
  if (!device) return;
  const { backup } = device.details;
  if (!backup.willEncrypt) throw new AppError('notEncrypted', 'the device says so');
  if (backup.requiresEncryption) throw new AppError('encryptionForced', 'the device says so');
  const off = t('Turn Off');
  const answer = await vscode.window.showWarningMessage(
    t('Turn off the encryption of backups of {0}?', deviceName(device)),
    {
      modal: true,
      detail: t('Later backups will lack passwords, Health and other private data. Earlier ones stay encrypted.'),
    },
    off,
  );
  if (answer !== off) return;
  const oldPassword = await askOldPassword(app, device.udid, t('Turn encryption off'));
  if (oldPassword === undefined) return;
  await changeEncryption(app, device.udid, { change: 'off', oldPassword, newPassword: '', remember: false });
}
