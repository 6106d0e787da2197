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
