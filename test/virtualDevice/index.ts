/** The virtual device, for tests in the same process or another: the door of this folder. */
export { VirtualDeviceHost, LocalDevice, type HostOptions } from './virtualDeviceHost';
export { DeviceHandle } from './control/deviceHandle';
export { ControlClient } from './control/controlClient';
export type { ControlEvent, DeviceSummary } from './control/controlMethods';
export type {
  AppDescription,
  ContentDescription,
  DeviceDescription,
  FileDescription,
  FileGroup,
  StateSwitches,
} from './description';
export type { DeviceState, LogEntry } from './deviceState';
export type { Fault, FaultWay } from './fault';
export { DEFAULT_SWITCHES, type Switches } from './switches';
export { presets, presetNamed, type PresetName } from './presets';
export { backupsOf, type BackupBehaviour, type DeviceBackups } from './mobilebackup2/deviceBackups';
export {
  encodeHostileStep,
  hostileDownload,
  hostileMessage,
  hostileMove,
  hostileRemove,
  hostileUpload,
  type HostileResult,
  type HostileStep,
} from './mobilebackup2/hostileScript';
export { stateDigest } from './content/stateDigest';
export { compareBackupFolder } from './compare/compareBackupFolder';
export { differenceText, type Difference } from './compare/difference';
