import { AppError } from '../base/errors';
import type { EncryptionChange } from '../engine/protocol';
import type { App } from './app';
import { backUpDevice } from './backUpDevice';
import { rememberChange } from './rememberChange';

export interface PasswordAnswer {
  readonly change: 'on' | 'change' | 'off';
  /** Empty: the remembered one. */
  readonly oldPassword: string;
  readonly newPassword: string;
  readonly remember: boolean;
}

/**
 * Turns encryption on or off, or changes the password; then, after turning it on, backs up at once, so that there is a
 * backup that holds what only encrypted ones hold, checked with the new password. A remembered password is replaced only
 * after the device has confirmed the new one.
 * @throws AppError with the engine's code; `passwordNeeded`, `passwordEmpty`
 */
export async function changeEncryption(app: App, udid: string, answer: PasswordAnswer): Promise<void> {
  const change = await toChange(app, udid, answer);
  await rememberChange(app.passwords, udid, { change, remember: answer.remember }, () =>
    app.engine.call('changeEncryption', { udid, change }),
  );
  if (change.kind === 'on') await backUpDevice(app, udid, { password: change.newPassword });
}

async function toChange(app: App, udid: string, answer: PasswordAnswer): Promise<EncryptionChange> {
  const { change, newPassword } = answer;
  if (change !== 'off' && newPassword === '') throw new AppError('passwordEmpty', 'no new password');
  if (change === 'on') return { kind: 'on', newPassword };
  const oldPassword = answer.oldPassword === '' ? await app.passwords.get(udid) : answer.oldPassword;
  if (oldPassword === undefined) throw new AppError('passwordNeeded', 'no old password');
  return change === 'off' ? { kind: 'off', oldPassword } : { kind: 'change', oldPassword, newPassword };
}
