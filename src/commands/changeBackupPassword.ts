import { t } from '@vscode/l10n';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import { changeEncryption } from '../app/changeEncryption';
import type { TreeNode } from '../views/tree/nodes';
import { askNewPassword, askOldPassword, askRemember } from './askPassword';
import { deviceName } from './chooseDevice';
import { chooseTrustedDevice } from './chooseTrustedDevice';

export async function changeBackupPassword(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseTrustedDevice(app, node);
  if (!device) return;
  if (!device.details.backup.willEncrypt) throw new AppError('notEncrypted', 'the device says so');
  const title = t('Change the backup password of {0}', deviceName(device));
  const oldPassword = await askOldPassword(app, device.udid, title);
  if (oldPassword === undefined) return;
  const newPassword = await askNewPassword(title);
  if (newPassword === undefined) return;
  const remember = await askRemember(title);
  if (remember === undefined) return;
  await changeEncryption(app, device.udid, { change: 'change', oldPassword, newPassword, remember });
}
