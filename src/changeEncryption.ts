import type { App } from './app';
import { backUpDevice } from './backUpDevice';
import { AppError, isAppError } from './base/errors';
import type { EncryptionChange } from './engine/protocol';

export interface PasswordAnswer {
  readonly change: 'on' | 'change' | 'off';
  /** Empty: the remembered one. */
  readonly oldPassword: string;
  readonly newPassword: string;
  readonly remember: boolean;
}

/**
 * Turns encryption on or off, or changes the password; then, after turning it on, backs up at once, so that there is a
 * backup that holds what only encrypted ones hold, checked with the new password. A remembered password is replaced only after the device has confirmed
 * the new one.
 * @throws AppError with the engine's code; `passwordNeeded`, `passwordEmpty`
 */
export async function changeEncryption(app: App, udid: string, answer: PasswordAnswer): Promise<void> {
  const change = await toChange(app, udid, answer);
  try {
    await app.engine.call('changeEncryption', { udid, change });
  } catch (error) {
    if (change.kind !== 'on' && isAppError(error, 'wrongPassword')) app.passwords.refuse(udid, change.oldPassword);
    throw error;
  }
  if (change.kind !== 'off' && answer.remember) await app.passwords.set(udid, change.newPassword);
  else await app.passwords.retire(udid);
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
