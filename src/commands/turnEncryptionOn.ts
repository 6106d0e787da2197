import { t } from '@vscode/l10n';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import { changeEncryption } from '../app/changeEncryption';
import type { TreeNode } from '../views/tree/nodes';
import { askNewPassword, askRemember } from './askPassword';
import { deviceName } from './chooseDevice';
import { chooseTrustedDevice } from './chooseTrustedDevice';

/** Asks for a password; the device asks for its passcode; then the first encrypted backup starts. */
export async function turnEncryptionOn(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseTrustedDevice(app, node);
  if (!device) return;
  if (device.details.backup.willEncrypt) throw new AppError('alreadyEncrypted', 'the device says so');
  const title = t('Encrypt backups of {0}', deviceName(device));
  const newPassword = await askNewPassword(title);
  if (newPassword === undefined) return;
  const remember = await askRemember(title);
  if (remember === undefined) return;
  await changeEncryption(app, device.udid, { change: 'on', oldPassword: '', newPassword, remember });
}
