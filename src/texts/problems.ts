import { t } from '@vscode/l10n';
import type { ErrorCode, ErrorDetails } from '../base/errors';
import { formatBytes } from './format';
import { allowMux, keepPairRecord, restartMux, startMux } from './muxHelp';

/** What a person reads when something went wrong. */
export interface Problem {
  /** One plain sentence: what is the matter. */
  readonly text: string;
  /** One step that helps, or that tells why nothing does. */
  readonly next: string;
}

interface Facts {
  readonly details: ErrorDetails;
  readonly platform: NodeJS.Platform;
}

/**
 * The sentence and the next step for a code.
 * @param details Of the error: sizes, names and numbers that make the sentence exact, where they are known.
 * @param platform Of the computer with the cable.
 */
export function problem(
  code: ErrorCode,
  details: ErrorDetails = {},
  platform: NodeJS.Platform = process.platform,
): Problem {
  // A newer engine may know codes that this window does not.
  const words = Object.hasOwn(problems, code) ? problems[code] : problems.unexpected;
  const [text, next] = words({ details, platform });
  return { text, next };
}

/** A code without words does not compile. */
const problems: Record<ErrorCode, (facts: Facts) => readonly [text: string, next: string]> = {
  // The service on this computer
  muxAbsent: ({ platform }) => [
    platform === 'win32'
      ? t('Apple’s service for iPhones and iPads is not running on this computer.')
      : t('The service for iPhones and iPads (usbmuxd) is not running on this computer.'),
    startMux(platform),
  ],
  muxRefused: ({ platform }) => [
    platform === 'win32'
      ? t('Apple’s service for iPhones and iPads does not let this program connect.')
      : t('The service for iPhones and iPads (usbmuxd) does not let this program connect.'),
    allowMux(platform),
  ],
  muxSilent: ({ platform }) => [
    platform === 'win32'
      ? t('Apple’s service for iPhones and iPads does not answer.')
      : t('The service for iPhones and iPads (usbmuxd) does not answer.'),
    restartMux(platform),
  ],
  muxProtocol: ({ platform }) => [
    platform === 'win32'
      ? t('Apple’s service for iPhones and iPads answered in a way that is not understood.')
      : t('The service for iPhones and iPads (usbmuxd) answered in a way that is not understood.'),
    t('Check the address in the settings: another program may be listening there.'),
  ],

  // Finding and reaching a device
  noDevice: () => [
    t('No iPhone or iPad is connected.'),
    t('Connect one by cable and unlock it; some cables only charge, so try another if it does not appear.'),
  ],
  deviceNotFound: () => [t('That device is not connected.'), t('Connect it by cable and try again.')],
  severalDevices: () => [t('More than one device is connected.'), t('Say which one to use.')],
  deviceGone: ({ details }) => [
    t('The device was disconnected.'),
    details['job'] === 'restore'
      ? t('Connect it again and restore once more, before you use it; the backup is unchanged.')
      : details['job'] === 'encryption'
        ? t('Connect it again: then its real state is shown. If a password was being changed, either may be valid now.')
        : t('Connect it again and start once more; what was copied is kept and used.'),
  ],
  connectionRefused: () => [
    t('The device refuses the connection.'),
    t('Unlock it and try again; if that does not help, restart the device.'),
  ],
  restoreMode: () => [
    t('The device is in recovery or restore mode.'),
    t('Restart it normally, or finish the restore with Finder, iTunes or Apple Devices first.'),
  ],

  // Trust
  notTrusted: () => [
    t('The device does not trust this computer yet.'),
    t('Unlock the device, choose Trust Device here, then tap Trust on its screen.'),
  ],
  trustPending: () => [
    t('The device is asking whether to trust this computer.'),
    t('Unlock it, tap Trust and enter its passcode.'),
  ],
  trustDenied: () => [
    t('“Don’t Trust” was tapped on the device.'),
    t('Unplug the device, plug it in again and tap Trust; it does not ask again before that.'),
  ],
  trustStale: () => [
    t('The device no longer knows this computer.'),
    t('Choose Trust Device to pair them again; this happens after a reset of Location & Privacy or a restore.'),
  ],
  trustForbidden: () => [
    t('The device is managed and does not allow new computers.'),
    t('Ask whoever manages the device to allow pairing.'),
  ],
  trustNeedsCable: () => [
    t('A device can be paired only by cable.'),
    t('Connect it by cable once; afterwards Wi-Fi works too.'),
  ],
  trustFailed: ({ details, platform }) =>
    details['finding'] === 'pairRecordNotKept'
      ? [t('The device trusts this computer, but the computer could not keep that.'), keepPairRecord(platform)]
      : [t('Pairing with the device failed.'), t('Unplug it, restart it, plug it in and try again.')],
  deviceLocked: () => [t('The device is locked.'), t('Unlock it with its passcode and try again.')],
  deviceNotUnlockedSinceStart: () => [
    t('The device has not been unlocked since it was started.'),
    t('Unlock it once with its passcode and try again.'),
  ],
  tlsFailed: () => [
    t('No secure connection to the device could be made.'),
    t('Choose Forget Device and then Trust Device to pair them again.'),
  ],
  wrongDeviceKey: () => [
    t('What answers is not the device that this computer was paired with.'),
    t('If the device was erased or replaced, choose Forget Device and pair it again; otherwise do not go on.'),
  ],

  // Services and messages
  serviceUnavailable: () => [
    t('The device does not offer the service that is needed.'),
    t('Restart the device and try again; a managed device may forbid it.'),
  ],
  unexpectedReply: () => [
    t('The device answered in a way that this version does not understand.'),
    t('Look for a newer version of this extension; the log tells what came.'),
  ],
  timedOut: () => [t('The device did not answer in time.'), t('Unlock it, check the cable and try again.')],
  valueRefused: () => [
    t('The device does not allow that setting to be read or changed.'),
    t('Change it on the device; a managed device may forbid it.'),
  ],

  // What a device answers to a backup, restore or change of password
  deviceBusy: () => [
    t('Another program is syncing with the device.'),
    t('Wait until it has finished, or close Finder, iTunes, Apple Devices or Music, and try again.'),
  ],
  passcodeNotEntered: () => [
    t('The passcode was not entered on the device.'),
    t('Start again, and enter the passcode when the device asks for it.'),
  ],
  backupForbidden: () => [
    t('The device is managed and does not allow backups to a computer.'),
    t('Ask whoever manages the device.'),
  ],
  setupNotFinished: () => [
    t('The device has not been set up yet.'),
    t('Finish its setup on the screen, then try again.'),
  ],
  deviceNeedsRestart: () => [
    t('The device has something left over from an interrupted run.'),
    t('Restart the device and try again.'),
  ],
  deviceDiskFull: ({ details }) => [
    withSizes(details, t('There is not enough room on the device.'), (free, needed) =>
      t('There is not enough room on the device: {0} are free, {1} are needed.', free, needed),
    ),
    t('Free some space on the device; offloading apps keeps their data.'),
  ],
  hostDiskFull: ({ details }) => [
    withSizes(
      details,
      t('The disk of the backup folder is full.'),
      (free, needed) => t('The disk of the backup folder is full: {0} are free, {1} are needed.', free, needed),
      (free) => t('The disk of the backup folder is full: {0} are free.', free),
    ),
    t('Free some space or choose another folder, and start again; what was copied is kept and used.'),
  ],
  previousBackupUnreadable: () => [
    t('The device cannot go on from the backup that is in the folder.'),
    t('Make a full backup; the old one stays until the new one is complete.'),
  ],
  uploadFailed: () => [
    t('A file could not be transferred.'),
    t('Try again; if it fails once more, make a full backup.'),
  ],
  wrongPassword: () => [
    t('That is not the password of the backup.'),
    t('Try again; it can be an old one, as the password moves along to a new device.'),
  ],
  findMyOn: () => [
    t('Find My is switched on, and then a device cannot be restored.'),
    t('Switch it off in Settings › your name › Find My; with Stolen Device Protection that takes an hour.'),
  ],
  versionNotCompatible: () => [
    t('The backup was made with a newer system than the device has.'),
    t('Update the device first, then restore.'),
  ],
  cancelledOnDevice: () => [t('It was cancelled on the device.'), t('Start again when you like.')],
  deviceReportedError: ({ details }) => [
    t('The device reported error {0}: {1}', details['number'] ?? '?', details['description'] || t('no description')),
    t('Restart the device and try again; search for the number if it comes back.'),
  ],
  deviceStopped: () => [
    t('The device ended the connection without saying why.'),
    t('Restart the device and try again.'),
  ],
  backupIncomplete: () => [
    t('The device said that it was done, but the backup is not complete.'),
    t('Start again; if it ends in the same way, make a full backup. The earlier backup is untouched.'),
  ],

  // Encryption
  encryptionForced: () => [
    t('The device is managed and must be backed up with encryption.'),
    t('Ask whoever manages the device, or remove the profile that demands it.'),
  ],
  encryptionForbidden: () => [
    t('The device is managed and does not allow its encryption to be changed.'),
    t('Ask whoever manages the device.'),
  ],
  alreadyEncrypted: () => [
    t('Backups of this device are encrypted already.'),
    t('Change the password instead, if you want another one.'),
  ],
  notEncrypted: () => [t('Backups of this device are not encrypted.'), t('Turn encryption on first.')],
  passwordNeeded: () => [t('The backup is encrypted.'), t('Enter its password.')],
  passwordEmpty: () => [t('The password is empty.'), t('Choose one with at least one character.')],

  // Folders and disks
  folderMissing: ({ details }) => [
    withPath(details, t('The folder does not exist.'), (path) => t('The folder {0} does not exist.', path)),
    t('Choose another folder, or create it.'),
  ],
  folderOffline: ({ details }) => [
    withPath(details, t('The disk of the folder is not connected.'), (path) =>
      t('The disk of the folder {0} is not connected.', path),
    ),
    t('Connect the disk or the network share and try again.'),
  ],
  folderNotWritable: ({ details }) => [
    withPath(details, t('The folder cannot be written.'), (path) => t('The folder {0} cannot be written.', path)),
    t('Choose another folder, or change its permissions.'),
  ],
  noPermission: ({ details, platform }) => [
    withPath(details, t('The system does not allow access to the folder.'), (path) =>
      t('The system does not allow access to {0}.', path),
    ),
    platform === 'darwin'
      ? t(
          'Allow it in System Settings › Privacy & Security › Full Disk Access, for Visual Studio Code or the terminal.',
        )
      : t('Change the permissions of the folder, or choose another one.'),
  ],
  diskError: ({ details }) => [
    withPath(details, t('The disk reported an error.'), (path) => t('The disk reported an error at {0}.', path)),
    t('Check the disk and its cable; the log tells what failed.'),
  ],
  nameNotPossible: () => [
    t('The disk cannot hold a file with that name.'),
    t('Choose a folder on a disk of this computer’s own format.'),
  ],
  fileTooLarge: () => [
    t('The disk cannot hold a file of that size.'),
    t('Choose a disk that is not formatted as FAT32: exFAT, or this computer’s own format.'),
  ],
  unsafePath: () => [
    t('A file was to be stored outside the backup; that was refused.'),
    t('Do not trust this device or backup; the log tells which file it was.'),
  ],

  // Backups on disk
  notABackup: () => [
    t('The folder is not the backup of a device.'),
    t('Choose the folder that holds Manifest.plist and Info.plist.'),
  ],
  backupUnfinished: () => [
    t('The backup was interrupted and is not complete.'),
    t('Make a new backup of the device; it goes on where this one ended.'),
  ],
  backupDamaged: ({ details }) => [
    typeof details['file'] === 'string'
      ? t('The backup is damaged: {0} cannot be read.', details['file'])
      : t('The backup is damaged.'),
    t('Check the backup to see what is lost, and use another version if there is one.'),
  ],
  keybagDamaged: () => [
    t('The keys in the backup are damaged, so no password can open it.'),
    t('Use another version of the backup.'),
  ],
  backupInUse: ({ details }) =>
    details['heldOpen'] === true
      ? [
          t('A program has a file of that backup open.'),
          t('Close what shows it, then start again; what was copied is kept and used.'),
        ]
      : [t('Something is working on that backup.'), t('Wait until it has finished, or cancel it.')],
  backupReplaced: () => [
    t('A newer backup has taken the place of the one that was chosen.'),
    t('Choose again: the older one is now among the versions.'),
  ],
  backupExists: () => [t('There is something of that name already.'), t('Choose another folder or name.')],
  onlyGoodBackup: () => [
    t('This is the only complete backup of the device.'),
    t('Make another one first, or say that you want to delete it all the same.'),
  ],
  fileNotFound: () => [t('The backup does not contain that file.'), t('Look for it in another version.')],
  fileDamaged: () => [
    t('The file is damaged in the backup.'),
    t('Look for it in another version; check the backup to see what else is damaged.'),
  ],
  keyNotAvailable: () => [
    t('That file can be read only on the device that it comes from.'),
    t('Restore the backup to that device to get it.'),
  ],
  unsupportedFormat: () => [
    t('The backup has a format that this version does not know.'),
    t('Look for a newer version of this extension.'),
  ],

  // Restore
  deviceNotReadyForRestore: () => [
    t('The device cannot be restored as it is now.'),
    t('The findings tell what to do first.'),
  ],

  // Engine and jobs
  jobRunning: ({ details }) => [
    details['owner']
      ? t('Another job is running there, started by {0}.', details['owner'])
      : t('Another job is running there.'),
    t('Wait until it has ended, or cancel it.'),
  ],
  noSuchJob: () => [t('No such job is running.'), t('It has ended already, or has not been started.')],
  engineUnavailable: () => [
    t('The background program that makes backups could not be started.'),
    t('Look into the log; restarting the computer removes what blocks it.'),
  ],
  engineGone: () => [
    t('The background program that makes backups has ended unexpectedly.'),
    t('Start again; what was copied is kept and used.'),
  ],
  engineVersion: () => [
    t('Another version of this program is in use.'),
    t('Wait until its job has ended, or reload the other windows; then try again.'),
  ],
  wrongUsage: () => [t('That is not how the command is used.'), t('Add --help to see how.')],
  notAllowed: () => [t('That is not possible now.'), t('The log tells why.')],
  cancelled: ({ details }) => [
    t('Cancelled.'),
    details['job'] === 'restore'
      ? t('If the device is not as it was, restore it once more; the backup is unchanged.')
      : details['job'] === 'encryption'
        ? t('Start again when you like.')
        : t('Start again when you like; what was copied is kept and used.'),
  ],
  unexpected: () => [t('Something unexpected happened.'), t('Look into the log, and report it if it comes back.')],
};

function withSizes(
  { freeBytes, neededBytes }: ErrorDetails,
  plain: string,
  both: (free: string, needed: string) => string,
  freeOnly?: (free: string) => string,
): string {
  if (typeof freeBytes !== 'number') return plain;
  const free = formatBytes(freeBytes);
  if (typeof neededBytes === 'number' && neededBytes > freeBytes) return both(free, formatBytes(neededBytes));
  return freeOnly?.(free) ?? plain;
}

function withPath({ path, folder }: ErrorDetails, plain: string, named: (path: string) => string): string {
  const known = path ?? folder;
  return typeof known === 'string' && known !== '' ? named(known) : plain;
}
