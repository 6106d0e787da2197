/**
 * Everything that can go wrong, as far as a person can act on it. Add a code only together with its sentence and next
 * step in src/texts/problems.ts: the table there does not compile without it.
 */
export type ErrorCode =
  // usbmux: the service on this computer
  | 'muxAbsent' // no socket, or nothing listens there
  | 'muxRefused' // something is there and refuses us (permissions)
  | 'muxSilent' // connected, but no answer
  | 'muxProtocol' // it answers what we do not understand
  // finding and reaching a device
  | 'noDevice' // none is connected
  | 'deviceNotFound' // none with that UDID
  | 'severalDevices' // more than one, and none was named
  | 'deviceGone' // unplugged, out of Wi-Fi reach, or the connection broke
  | 'connectionRefused' // the device refuses the port
  | 'restoreMode' // the device is in restore or recovery mode
  // trust
  | 'notTrusted' // this computer is not paired with it
  | 'trustPending' // the Trust dialog is open on the device
  | 'trustDenied' // "Don't Trust" was tapped; asks again only after replugging
  | 'trustStale' // the device has forgotten this computer
  | 'trustForbidden' // management or a profile forbids pairing
  | 'trustNeedsCable' // pairing over Wi-Fi
  | 'trustFailed' // any other refusal to pair
  | 'deviceLocked' // unlock it first
  | 'deviceNotUnlockedSinceStart' // escrow bag unusable before first unlock
  | 'tlsFailed'
  | 'wrongDeviceKey' // whoever answers does not hold the paired device's key
  // services and messages
  | 'serviceUnavailable' // the device does not offer or start the service
  | 'unexpectedReply' // the peer broke the protocol, or we misread it
  | 'timedOut'
  | 'valueRefused' // the device refuses to read or set a value
  // what a device answers to a backup, restore or change of password
  | 'deviceBusy' // another program holds the sync lock
  | 'passcodeNotEntered' // 208: locked, refused or nobody entered it
  | 'backupForbidden' // 38
  | 'setupNotFinished' // 212
  | 'deviceNeedsRestart' // 3, 102: left-over of an interrupted run
  | 'deviceDiskFull' // 106; 105 on restore
  | 'hostDiskFull' // 105 on backup; also found by ourselves
  | 'previousBackupUnreadable' // 11, 103, 205: the folder on this computer
  | 'uploadFailed' // 104
  | 'wrongPassword' // 207; also when a backup is unlocked
  | 'findMyOn' // 211
  | 'versionNotCompatible' // 203
  | 'cancelledOnDevice' // 202 and the notification
  | 'deviceReportedError' // any other number
  | 'deviceStopped' // it closed without saying why
  | 'backupIncomplete' // it said done, but what is on disk is not a finished backup
  // encryption
  | 'encryptionForced'
  | 'encryptionForbidden'
  | 'alreadyEncrypted'
  | 'notEncrypted'
  | 'passwordNeeded'
  | 'passwordEmpty'
  // folders and disks
  | 'folderMissing'
  | 'folderOffline' // an external or network disk that is not there now
  | 'folderNotWritable'
  | 'noPermission' // macOS Full Disk Access, or plain permissions
  | 'diskError'
  | 'nameNotPossible' // the file system cannot hold that name
  | 'fileTooLarge' // the file system cannot hold a file of that size
  | 'unsafePath' // a device or a manifest named a path outside the backup
  // backups on disk
  | 'notABackup'
  | 'backupUnfinished' // interrupted: SnapshotState is not finished
  | 'backupDamaged' // plists or Manifest unreadable, files missing
  | 'keybagDamaged'
  | 'backupInUse' // a job works on it
  | 'backupReplaced' // a newer one lies where the chosen one was
  | 'backupExists' // the target name is taken
  | 'onlyGoodBackup' // refuses to delete the last good one without being told so
  | 'fileNotFound'
  | 'fileDamaged' // does not decrypt, wrong size or hash
  | 'keyNotAvailable' // protection class bound to the device
  | 'unsupportedFormat'
  // restore
  | 'deviceNotReadyForRestore' // a finding of the checks before a restore; details.finding names it
  // engine and jobs
  | 'jobRunning' // another window or the command line holds this device; details.owner
  | 'noSuchJob'
  | 'engineUnavailable'
  | 'engineGone'
  | 'engineVersion' // another version runs a job; it is replaced when idle
  | 'wrongUsage'
  | 'notAllowed' // a request that makes no sense now, or a malformed message
  | 'cancelled'
  | 'unexpected';

/** Facts for the sentence: sizes in bytes, names, the device's own number. Never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /** @param message For the log, in English: what was expected and what came. Never a secret. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { readonly details?: ErrorDetails }) {
    super(message, options);
    this.code = code;
    this.details = options?.details ?? {};
  }
}

/** An error that can cross a process border. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** Compares the name and the code, not the class: an error that crossed a bundle's border has another class. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof Error && error.name === 'AppError' && (!code || (error as AppError).code === code);
}

export function isCancellation(error: unknown): boolean {
  return (
    isAppError(error, 'cancelled') ||
    (error instanceof Error && (error.name === 'AbortError' || error.name === 'Canceled'))
  );
}

export function cancelled(what = 'cancelled'): AppError {
  return new AppError('cancelled', what);
}

export function toErrorData(error: unknown): ErrorData {
  if (isAppError(error)) return { code: error.code, message: error.message, details: error.details };
  if (isCancellation(error)) return { code: 'cancelled', message: 'cancelled', details: {} };
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error), details: {} };
}

export function fromErrorData(data: ErrorData): AppError {
  return new AppError(data.code, data.message, { details: data.details });
}
