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
export { preferredConnection, udidOfSerial, type MuxDevice } from './usbmux/muxDevice';
export { UsbmuxClient } from './usbmux/usbmuxClient';
export { DeviceWatcher, type DeviceWatcherEvents } from './usbmux/deviceWatcher';

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
