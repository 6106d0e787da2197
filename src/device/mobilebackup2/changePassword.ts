import { AppError, isAppError, isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import { dict } from '../../plist';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { readPasscodeSet } from '../services/diagnosticsRelay';
import type { BackupStore } from './backupStore';
import { DeviceJob, type JobOptions } from './deviceJob';
import { LoopFacts } from './loopFacts';
import { openMobileBackup2 } from './openMobileBackup2';
import { emptyStore, readOnlyStore } from './readOnlyStore';
import { serveRequest } from './serveRequest';
import { settledWithin } from './settledWithin';

const DOMAIN = 'com.apple.mobile.backup';
/** lockdown may show the new value a moment after mobilebackup2 has set it. */
const CONFIRM_TRIES = 10;
const CONFIRM_INTERVAL_MS = 200;
/** After a failure, for the question what the device's state is now. */
const READ_AGAIN_MS = 5_000;

export type PasswordChange =
  | { readonly kind: 'on'; readonly newPassword: string }
  | { readonly kind: 'change'; readonly oldPassword: string; readonly newPassword: string }
  | { readonly kind: 'off'; readonly oldPassword: string };

export interface ChangePasswordOptions extends JobOptions {
  /** Where the device may look for an existing backup; it is not changed. None: there is none. */
  readonly store?: BackupStore;
}

export interface ChangePasswordResult {
  /** WillEncrypt, as the device says now. */
  readonly encrypted: boolean;
}

/**
 * Turns encryption of a device's backups on or off, or changes their password. From iOS 13 on the device asks for its
 * passcode on the screen. Returns only when the device has confirmed the change, or shows that it was made although the
 * connection broke.
 *
 * A failure has `details.encrypted`, the state after it, where the device could still be asked. A change from one
 * password to another whose connection broke cannot be told from none: then the old one must be kept too.
 * @throws AppError `passwordEmpty`, `alreadyEncrypted`, `notEncrypted`, `wrongPassword`, `passcodeNotEntered`,
 * `encryptionForbidden`, `encryptionForced`, `cancelled`, `cancelledOnDevice`, `deviceGone`, `deviceStopped` …
 */
export async function changePassword(
  device: TrustedDevice,
  change: PasswordChange,
  options: ChangePasswordOptions,
): Promise<ChangePasswordResult> {
  const { log } = options;
  if (
    ('newPassword' in change && change.newPassword === '') ||
    ('oldPassword' in change && change.oldPassword === '')
  ) {
    throw new AppError('passwordEmpty', 'a password is empty');
  }
  await refuseImpossible(device, change, options.signal);
  try {
    await requestChange(device, change, options);
  } catch (error) {
    return await decideByState(device, change, error, log);
  }
  return { encrypted: await confirm(device, change, log) };
}

async function refuseImpossible(
  device: TrustedDevice,
  { kind }: PasswordChange,
  signal: AbortSignal | undefined,
): Promise<void> {
  const encrypted = await readWillEncrypt(device, signal);
  if (kind === 'on' && encrypted) throw new AppError('alreadyEncrypted', 'backups of the device are encrypted already');
  if (kind !== 'on' && !encrypted) throw new AppError('notEncrypted', 'backups of the device are not encrypted');
  if (kind === 'off' && (await readEncryptionForced(device, signal))) {
    throw new AppError('encryptionForced', 'management requires encrypted backups');
  }
}

async function requestChange(
  device: TrustedDevice,
  change: PasswordChange,
  options: ChangePasswordOptions,
): Promise<void> {
  const { log } = options;
  await using job = await DeviceJob.start(device, options);
  const { progress, stop } = job;
  try {
    const link = await openMobileBackup2(device, stop.signal);
    const asking = new AbortController();
    try {
      progress.enter('preparing');
      const request = dict({
        MessageName: 'ChangePassword',
        TargetIdentifier: device.udid,
        NewPassword: 'newPassword' in change ? change.newPassword : undefined,
        OldPassword: 'oldPassword' in change ? change.oldPassword : undefined,
      });
      const serving = serveRequest(request, {
        job,
        link,
        kind: 'changePassword',
        store: readOnlyStore(options.store ?? emptyStore),
        facts: new LoopFacts(),
        log,
        onMessage: () => asking.abort(),
      });
      const hinting = hintPasscode(device, job, asking.signal, log);
      await serving.finally(() => asking.abort());
      await hinting;
    } finally {
      asking.abort();
      await link.disconnect();
    }
  } catch (error) {
    throw stop.explain(error);
  }
}

/** Says that the device's screen waits for the passcode; the notification that says so too comes only while we listen. */
async function hintPasscode(device: TrustedDevice, job: DeviceJob, signal: AbortSignal, log: Log): Promise<void> {
  if (!asksForPasscode(device.identity.productVersion)) return;
  try {
    const set = await readPasscodeSet(device, signal);
    // From iOS 17.4 on it does not tell; nearly everybody has one.
    if (set !== false && !signal.aborted) job.progress.hint('waitingForPasscode');
  } catch (error) {
    if (!isCancellation(error)) log.debug(`whether a passcode is set is unknown: ${String(error)}`);
  }
}

function asksForPasscode(productVersion: string): boolean {
  return Number.parseInt(productVersion, 10) >= 13;
}

/** After the device has said that it is done. */
async function confirm(device: TrustedDevice, change: PasswordChange, log: Log): Promise<boolean> {
  const wanted = change.kind !== 'off';
  try {
    for (let tried = 1; ; tried++) {
      if ((await readWillEncrypt(device, undefined)) === wanted) return wanted;
      if (tried === CONFIRM_TRIES) break;
      await new Promise((resolve) => setTimeout(resolve, CONFIRM_INTERVAL_MS));
    }
  } catch (error) {
    if (!isAppError(error)) throw error;
    // It has confirmed the change itself; that it went away afterwards takes nothing back.
    log.warn(`the change was confirmed, but WillEncrypt could not be read again: ${error.message}`);
    return wanted;
  }
  throw new AppError('unexpectedReply', `the device confirmed the change, but WillEncrypt is ${String(!wanted)}`, {
    details: { encrypted: !wanted },
  });
}

/** After a failure the device's state is the truth: a connection can break after the change was made. */
async function decideByState(
  device: TrustedDevice,
  change: PasswordChange,
  error: unknown,
  log: Log,
): Promise<ChangePasswordResult> {
  if (!isAppError(error)) throw error;
  let encrypted: boolean | undefined;
  const limit = new AbortController();
  await settledWithin(
    READ_AGAIN_MS,
    readWillEncrypt(device, limit.signal).then(
      (value) => (encrypted = value),
      (failure: unknown) => log.info(`WillEncrypt could not be read again: ${String(failure)}`),
    ),
  );
  limit.abort();
  const reported = error.details['number'] !== undefined;
  if (!reported && change.kind !== 'change' && encrypted === (change.kind === 'on')) {
    log.warn(`the change was made, although its connection ended early: ${error.message}`);
    return { encrypted };
  }
  const code = change.kind === 'off' && error.code === 'encryptionForbidden' ? 'encryptionForced' : error.code;
  throw new AppError(code, error.message, {
    cause: error,
    details: { ...error.details, ...(encrypted === undefined ? {} : { encrypted }) },
  });
}

async function readWillEncrypt(device: TrustedDevice, signal: AbortSignal | undefined): Promise<boolean> {
  return (await device.getValue(DOMAIN, 'WillEncrypt', signal)) === true;
}

/** Both spellings are in use. */
async function readEncryptionForced(device: TrustedDevice, signal: AbortSignal | undefined): Promise<boolean> {
  for (const key of ['RequiresEncryption', 'RequiresEncrypt']) {
    try {
      if ((await device.getValue(DOMAIN, key, signal)) === true) return true;
    } catch (error) {
      if (!isAppError(error, 'valueRefused')) throw error;
    }
  }
  return false;
}
