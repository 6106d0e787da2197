import { isAppError, type ErrorCode } from '../base/errors';
import type { EncryptionChange } from '../engine/protocol';
import type { RememberedPasswords } from './rememberedPasswords';

/** Failures after which nobody knows whether the device has made the change. A refusal by the device has its number. */
const UNDECIDED: ReadonlySet<ErrorCode> = new Set([
  'engineGone',
  'deviceGone',
  'deviceStopped',
  'timedOut',
  'unexpectedReply',
]);

/**
 * Makes a change of encryption and keeps what is remembered true: replaced once the device has confirmed the new
 * password, not offered any more once it has refused the old one; and where a connection or the engine was lost in the
 * middle, both stay to be tried and neither is taken for the present one.
 * @throws what `work` throws
 */
export async function rememberChange(
  passwords: RememberedPasswords,
  udid: string,
  { change, remember }: { readonly change: EncryptionChange; readonly remember: boolean },
  work: () => Promise<unknown>,
): Promise<void> {
  const wanted = change.kind !== 'off' && remember ? change.newPassword : undefined;
  try {
    await work();
  } catch (error) {
    if (change.kind !== 'on' && isAppError(error, 'wrongPassword')) passwords.refuse(udid, change.oldPassword);
    else if (isUndecided(error, change)) await passwords.doubt(udid, wanted);
    throw error;
  }
  if (wanted !== undefined) await passwords.set(udid, wanted);
  else await passwords.retire(udid);
}

function isUndecided(error: unknown, { kind }: EncryptionChange): boolean {
  if (!isAppError(error) || !UNDECIDED.has(error.code)) return false;
  const { number, encrypted } = error.details;
  // Whether it encrypts tells all but which of two passwords it has.
  return number === undefined && (kind === 'change' || encrypted === undefined);
}
