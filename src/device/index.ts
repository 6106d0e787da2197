/** Everything that talks to devices: the door of this folder. */
export type * from './types';

export type { ByteStream } from './io/byteStream';

export {
  formatMuxAddress,
  muxAddress,
  parseMuxAddress,
  type MuxAddress,
  type MuxAddressSources,
} from './usbmux/muxAddress';
export { muxVersion } from './usbmux/muxVersion';
export { preferredConnection, udidOfSerial, type MuxDevice } from './usbmux/muxDevice';
export { UsbmuxClient } from './usbmux/usbmuxClient';
export { DeviceWatcher, type DeviceWatcherEvents } from './usbmux/deviceWatcher';

export type { AbortableStream } from './lockdown/plistChannel';
export type { StartServiceOptions, TrustedDevice } from './lockdown/trustedDevice';
export { openTrustedDevice, type OpenOptions } from './lockdown/openTrustedDevice';
export { pairDevice, type PairOptions } from './lockdown/pairDevice';
export { unpairDevice, type Unpaired } from './lockdown/unpairDevice';
export { checkTrust, trustStateOf } from './lockdown/trust';
export { readIdentity } from './lockdown/readIdentity';
export { readDetails } from './lockdown/readDetails';

export { NotificationProxy, Notification, type NotificationEvents } from './services/notificationProxy';
export {
  AfcClient,
  AfcFile,
  type AfcDeviceInfo,
  type AfcFileInfo,
  type AfcLock,
  type AfcOpenMode,
} from './services/afcClient';
export { browseUserApps } from './services/installationProxy';
export { SpringBoardClient } from './services/springBoard';
export { readPasscodeSet, restartDevice } from './services/diagnosticsRelay';
export { Heartbeat } from './services/heartbeat';
export { keepAwake } from './services/keepAwake';

export type { BackupStore, StoreEntry, StoreReader, StoreWriter } from './mobilebackup2/backupStore';
/*
 * Jobs on a trusted device, over mobilebackup2. Each takes `{log, signal, report, onBackupSettingsChanged?}`; `report`
 * gets `{stage, fraction?, bytes, files, warnings}`, a new stage at once and numbers at most ten times a second; `signal`
 * ends it cleanly within seconds (`cancelled`; `cancelledOnDevice` when the user did it there). Failures that the device
 * reported carry `details.number` and `details.description`; `hostDiskFull` and `deviceDiskFull` `freeBytes` and
 * `neededBytes` where known.
 *
 * - backUp(device, store, {full?, productName?}): when it returns, the device is satisfied; check the folder before
 *   it counts as a backup. `result.skipped` are files that the device could not read.
 * - changePassword(device, {kind: 'on' | 'change' | 'off', …}, {store?}): returns what WillEncrypt is now; failures
 *   carry `details.encrypted` where the device could still be asked.
 * - restore(device, store, {sourceIdentifier, restore: {systemFiles, keepSettings, removeOthers, restart}, password?,
 *   waitForRestart?}): the store is only read. waitForRestart is called after success, so start to listen before; what
 *   it throws fails nothing, `result.restarted` tells.
 */
export { backUp, type BackUpOptions, type BackUpResult } from './mobilebackup2/backUp';
export {
  changePassword,
  type ChangePasswordOptions,
  type ChangePasswordResult,
  type PasswordChange,
} from './mobilebackup2/changePassword';
export { enableCloudBackup } from './mobilebackup2/enableCloudBackup';
export { restore, type RestoreJobOptions, type RestoreOptions, type RestoreResult } from './mobilebackup2/restore';
export type { JobOptions } from './mobilebackup2/deviceJob';
export type { DeviceProgress, DeviceStage, ReportProgress } from './mobilebackup2/progress';
export type { SkippedFile } from './mobilebackup2/loopFacts';
