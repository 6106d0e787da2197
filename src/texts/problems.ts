import { t } from '@vscode/l10n';
import type { ErrorCode, ErrorDetails } from '../base/errors';
import { formatBytes } from './format';

/** What a person reads: one sentence that says what happened, one that says what to do. */
export interface Problem {
  readonly text: string;
  readonly next: string;
}

type Make = (details: ErrorDetails) => Problem;

const tryAgain = () => t('Try again; if it happens again, the log tells more.');
const replug = () => t('Unplug the device, plug it in again and try once more.');

/** A code without a text does not compile. */
const problems: Record<ErrorCode, Make> = {
  muxAbsent: () => ({
    text: t('The service that talks to iPhones and iPads is not running on this computer.'),
    next: startMux(),
  }),
  muxRefused: () => ({
    text: t('The service that talks to iPhones and iPads refuses this user.'),
    next: t('Ask the administrator of this computer for permission to use it.'),
  }),
  muxSilent: () => ({
    text: t('The service that talks to iPhones and iPads does not answer.'),
    next: t('Restart the service or the computer, then plug the device in again.'),
  }),
  muxProtocol: () => ({
    text: t('The service that talks to iPhones and iPads answered in a way this version does not understand.'),
    next: t('Check the socket address in the settings, and update the service.'),
  }),
  noDevice: () => ({
    text: t('No iPhone or iPad that this can be done with is connected.'),
    next: t('Connect one with a cable and unlock it.'),
  }),
  deviceNotFound: () => ({
    text: t('That device is not connected.'),
    next: t('Connect it with a cable and unlock it.'),
  }),
  severalDevices: () => ({
    text: t('More than one device is connected.'),
    next: t('Say which one is meant.'),
  }),
  deviceGone: () => ({
    text: t('The device was disconnected.'),
    next: t('Connect it again; what was already copied is kept and continued.'),
  }),
  connectionRefused: () => ({ text: t('The device refused the connection.'), next: replug() }),
  restoreMode: () => ({
    text: t('The device is in recovery mode.'),
    next: t('Restart it, then try again.'),
  }),
  notTrusted: () => ({
    text: t('The device does not trust this computer.'),
    next: t('Choose Trust Device, then tap Trust on the device.'),
  }),
  trustPending: () => ({
    text: t('The device is asking whether to trust this computer.'),
    next: t('Unlock it, tap Trust and enter its passcode.'),
  }),
  trustDenied: () => ({
    text: t('Trust was declined on the device.'),
    next: t('Unplug it, plug it in again and tap Trust: it asks only once per connection.'),
  }),
  trustStale: () => ({
    text: t('The device has forgotten this computer.'),
    next: t('Choose Trust Device, then tap Trust on the device.'),
  }),
  trustForbidden: () => ({
    text: t('The device may not be paired: its management or a profile forbids it.'),
    next: t('Ask the organization that manages the device.'),
  }),
  trustNeedsCable: () => ({
    text: t('Trust cannot be set up over Wi-Fi.'),
    next: t('Connect the device with a cable.'),
  }),
  trustFailed: () => ({ text: t('The device could not be paired with this computer.'), next: replug() }),
  deviceLocked: () => ({ text: t('The device is locked.'), next: t('Unlock it and try again.') }),
  deviceNotUnlockedSinceStart: () => ({
    text: t('The device has not been unlocked since it was started.'),
    next: t('Unlock it once and try again.'),
  }),
  tlsFailed: () => ({
    text: t('No secure connection to the device could be made.'),
    next: t('Choose Forget Device, then Trust Device.'),
  }),
  wrongDeviceKey: () => ({
    text: t('What answers is not the device that was trusted.'),
    next: t('Disconnect it unless you know why; to trust it anew, choose Forget Device first.'),
  }),
  serviceUnavailable: () => ({
    text: t('The device does not offer a service that is needed for this.'),
    next: t('Unlock the device, restart it, and try again.'),
  }),
  unexpectedReply: () => ({
    text: t('The device answered in a way this version does not understand.'),
    next: replug(),
  }),
  timedOut: () => ({ text: t('The device did not answer in time.'), next: t('Unlock it and try again.') }),
  valueRefused: () => ({
    text: t('The device refuses to show or change this setting.'),
    next: t('Unlock it; if it is managed, ask its organization.'),
  }),
  deviceBusy: () => ({
    text: t('Another program is syncing with the device.'),
    next: t('Wait until it has finished, or close Finder, iTunes or Apple Devices.'),
  }),
  passcodeNotEntered: () => ({
    text: t('The passcode was not entered on the device.'),
    next: t('Try again and enter it when the device asks; it waits about three minutes.'),
  }),
  backupForbidden: () => ({
    text: t('The device may not be backed up: its management forbids it.'),
    next: t('Ask the organization that manages the device.'),
  }),
  setupNotFinished: () => ({
    text: t('The device has not been set up yet.'),
    next: t('Finish the setup on the device, then try again.'),
  }),
  deviceNeedsRestart: () => ({
    text: t('The device still holds something from an interrupted backup or restore.'),
    next: t('Restart the device, then try again.'),
  }),
  deviceDiskFull: ({ neededBytes, freeBytes }) => ({
    text: withSizes(t('There is not enough room on the device.'), neededBytes, freeBytes),
    next: t('Free some room on it; offloading apps keeps their data.'),
  }),
  hostDiskFull: ({ neededBytes, freeBytes }) => ({
    text: withSizes(t('There is not enough room on the disk for the backup.'), neededBytes, freeBytes),
    next: t('Free some room, or keep backups in another folder. The last backup is unchanged.'),
  }),
  previousBackupUnreadable: () => ({
    text: t('The device cannot read the backup that is to be continued.'),
    next: t('Choose Full Backup to start a new one; the old one is kept.'),
  }),
  uploadFailed: () => ({
    text: t('Some files could not be copied from the device.'),
    next: t('Unlock the device, check the disk, and try again.'),
  }),
  wrongPassword: () => ({
    text: t('That is not the password of the backup.'),
    next: t('Try again; it may be an older one, or one that came with another phone.'),
  }),
  findMyOn: () => ({
    text: t('Find My is on, so the device cannot be restored.'),
    next: t(
      'Turn it off on the device: Settings, your name, Find My. Stolen Device Protection may add an hour’s wait.',
    ),
  }),
  versionNotCompatible: () => ({
    text: t('The backup is from a newer iOS than the device runs.'),
    next: t('Update the device, then try again.'),
  }),
  cancelledOnDevice: () => ({
    text: t('It was cancelled on the device.'),
    next: t('Start it again when you are ready. The last backup is unchanged.'),
  }),
  deviceReportedError: ({ number, description }) => ({
    text: t('The device reported error {0}: {1}', String(number ?? '?'), String(description ?? '')),
    next: t('Restart the device and try again; the log tells more.'),
  }),
  deviceStopped: () => ({
    text: t('The device stopped without saying why.'),
    next: t('Unlock it, keep its screen on and try again.'),
  }),
  backupIncomplete: () => ({
    text: t('The device said it was done, but the backup is not complete.'),
    next: t('Try again. The last complete backup is unchanged.'),
  }),
  encryptionForced: () => ({
    text: t('The device’s management requires encrypted backups.'),
    next: t('Encryption cannot be turned off; ask the organization that manages the device.'),
  }),
  encryptionForbidden: () => ({
    text: t('The device’s management does not allow this change of encryption.'),
    next: t('Ask the organization that manages the device.'),
  }),
  alreadyEncrypted: () => ({
    text: t('Backups of this device are encrypted already.'),
    next: t('Choose Change Password to set another password.'),
  }),
  notEncrypted: () => ({
    text: t('This backup is not encrypted.'),
    next: t('It needs no password.'),
  }),
  passwordNeeded: () => ({ text: t('The backup is encrypted.'), next: t('Enter its password.') }),
  passwordEmpty: () => ({ text: t('The password is empty.'), next: t('Choose one with at least one character.') }),
  folderMissing: () => ({ text: t('The folder does not exist.'), next: t('Choose another folder, or create it.') }),
  folderOffline: () => ({
    text: t('The disk with the backups is not connected.'),
    next: t('Connect it, or choose another folder.'),
  }),
  folderNotWritable: () => ({
    text: t('The folder cannot be written to.'),
    next: t('Choose another folder, or change its permissions.'),
  }),
  noPermission: () => ({
    text: t('This program may not read the folder.'),
    next:
      process.platform === 'darwin'
        ? t('Allow it under System Settings, Privacy & Security, Full Disk Access, and start it again.')
        : t('Change the folder’s permissions, or choose another one.'),
  }),
  diskError: () => ({
    text: t('The disk reported an error.'),
    next: t('Check the disk and its connection. The last backup is unchanged.'),
  }),
  nameNotPossible: ({ name }) => ({
    text: name
      ? t('The disk cannot hold a file named {0}.', String(name))
      : t('The disk cannot hold a file of that name.'),
    next: t('Keep backups on another disk.'),
  }),
  fileTooLarge: () => ({
    text: t('The disk cannot hold a file that large.'),
    next: t('Keep backups on a disk with another file system; FAT32 ends at 4 GB a file.'),
  }),
  unsafePath: () => ({
    text: t('A file was named in a way that could harm this computer, and was refused.'),
    next: t('Disconnect the device unless you trust it; the log tells more.'),
  }),
  notABackup: () => ({ text: t('There is no backup.'), next: t('Choose a folder that holds a Manifest.plist.') }),
  backupUnfinished: () => ({
    text: t('The backup was interrupted and is not complete.'),
    next: t('Back up again; what was copied is continued.'),
  }),
  backupDamaged: () => ({
    text: t('The backup is damaged.'),
    next: t('Choose Verify to learn what is lost, or use an earlier version.'),
  }),
  keybagDamaged: () => ({
    text: t('The part of the backup that holds its keys is damaged.'),
    next: t('Use an earlier version of the backup.'),
  }),
  backupInUse: () => ({ text: t('Something else is working on this backup.'), next: t('Wait until it has finished.') }),
  backupExists: () => ({ text: t('There is a backup of that name already.'), next: t('Choose another folder.') }),
  onlyGoodBackup: () => ({
    text: t('This is the only complete backup of the device.'),
    next: t('Back up first, or say that it may go all the same.'),
  }),
  fileNotFound: () => ({ text: t('The backup does not contain that file.'), next: t('Check its domain and path.') }),
  fileDamaged: () => ({
    text: t('The file is damaged in this backup.'),
    next: t('Look for it in an earlier version.'),
  }),
  keyNotAvailable: () => ({
    text: t('This can only be opened on the device itself.'),
    next: t('Restore the backup to the device to get it back.'),
  }),
  unsupportedFormat: () => ({
    text: t('This kind of backup is not supported.'),
    next: t('Backups since iOS 4 are; look at the log for what was found.'),
  }),
  deviceNotReadyForRestore: () => ({
    text: t('The device is not ready for the restore.'),
    next: t('Follow what the list of checks says.'),
  }),
  jobRunning: ({ owner }) => ({
    text: owner
      ? t('{0} is already working with this device.', String(owner))
      : t('Something is already working with this device.'),
    next: t('Wait until it has finished, or cancel it.'),
  }),
  noSuchJob: () => ({ text: t('That has ended already.'), next: t('There is nothing to do.') }),
  engineUnavailable: () => ({
    text: t('The part of iOS Backup that talks to devices could not be started.'),
    next: tryAgain(),
  }),
  engineGone: () => ({
    text: t('The part of iOS Backup that talks to devices has ended unexpectedly.'),
    next: tryAgain(),
  }),
  engineVersion: () => ({
    text: t('Another version of iOS Backup is at work.'),
    next: t('Wait until it has finished, or reload its window.'),
  }),
  wrongUsage: ({ usage }) => ({
    text: usage ? String(usage) : t('That is not how the command is used.'),
    next: t('See ios-backup --help.'),
  }),
  notAllowed: () => ({ text: t('That cannot be done now.'), next: tryAgain() }),
  cancelled: () => ({ text: t('Cancelled.'), next: t('Nothing was changed.') }),
  unexpected: () => ({ text: t('Something unexpected happened.'), next: tryAgain() }),
};

export function problem(code: ErrorCode, details: ErrorDetails = {}): Problem {
  return problems[code](details);
}

function startMux(): string {
  switch (process.platform) {
    case 'win32':
      return t('Install Apple Devices from the Microsoft Store, open it once, then plug the device in again.');
    case 'darwin':
      return t('Restart the Mac.');
    default:
      return t(
        'Install usbmuxd with your package manager (for example: apt install usbmuxd), then plug the device in again.',
      );
  }
}

function withSizes(text: string, needed: unknown, free: unknown): string {
  if (typeof needed !== 'number' || typeof free !== 'number') return text;
  return `${text} ${t('It needs {0}; {1} are free.', formatBytes(needed), formatBytes(free))}`;
}
