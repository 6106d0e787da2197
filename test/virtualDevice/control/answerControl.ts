import { contentControl } from '../content/contentControl';
import { stateDigest } from '../content/stateDigest';
import { SYNC_LOCK_PATH } from '../afc/mediaTree';
import { FAULT_WAYS, type Fault, type FaultWay } from '../fault';
import type { Connection } from '../deviceState';
import { backupsOf } from '../mobilebackup2/deviceBackups';
import { decodeHostileStep } from '../mobilebackup2/hostileScript';
import { checkSwitches } from '../switches';
import type { MuxServer } from '../usbmux/muxServer';
import type { VirtualDevice } from '../virtualDevice';
import type { DeviceMethod, DeviceMethods, DeviceSummary, HostMethod, HostMethods } from './controlMethods';

type HostAnswers = {
  [M in HostMethod]: (
    mux: MuxServer,
    params: HostMethods[M]['params'],
  ) => HostMethods[M]['result'] | Promise<HostMethods[M]['result']>;
};
type DeviceAnswers = {
  [M in DeviceMethod]: (
    device: VirtualDevice,
    params: DeviceMethods[M]['params'],
  ) => DeviceMethods[M]['result'] | Promise<DeviceMethods[M]['result']>;
};

const CANCEL = 'com.apple.itunes-client.syncCancelRequest';
const RESTART_MS = 1_000;

const hostAnswers: HostAnswers = {
  host: (mux) => ({ address: mux.address, buid: mux.buid, pairRecords: mux.records.udids }),
  devices: (mux) => [...mux.devices.values()].map(summary),
  restartMux: (mux, { pauseMs }) => mux.restart(Number(pauseMs)),
  deletePairRecord: (mux, { udid }) => mux.records.delete(udid),
};

const deviceAnswers: DeviceAnswers = {
  device: summary,
  set: (device, { switches }) => {
    device.state.setSwitches(checkSwitches(switches));
    return summary(device);
  },
  tapTrust: ({ state }, { button }) => state.trustDialog.tap(oneOf('button', button, ['trust', 'deny'])),
  answerPasscode: ({ state }, { answer }) => state.answerPasscode(oneOf('answer', answer, ['entered', 'refused'])),
  unplug: ({ state }, { way, only }) =>
    state.unplug(way === undefined ? 'close' : oneOf('way', way, FAULT_WAYS), connectionOf(only)),
  plug: (device, { only }) => {
    device.state.plug(connectionOf(only));
    return summary(device);
  },
  replug: (device) => {
    device.state.replug();
    return summary(device);
  },
  restart: ({ state }, { pauseMs }) => state.restart(pauseMs ?? RESTART_MS),
  forgetHosts: ({ state }) => {
    state.pairedHosts.clear();
    state.log('forgot all hosts');
  },
  erase: ({ state }) => state.erase(),
  rename: ({ state }, { name }) => state.rename(String(name)),
  cancelSync: ({ state }) => {
    state.log('a person cancels the sync');
    state.postNotification(CANCEL);
  },
  postNotification: ({ state }, { name }) => state.postNotification(String(name)),
  notifications: ({ state }) => ({ byHosts: [...state.postedByHosts], byDevice: [...state.postedByDevice] }),
  armFault: ({ state }, { fault }) => state.armFault(checkFault(fault)),
  disarmFault: ({ state }) => state.disarmFault(),
  log: ({ state }, { last }) => state.logEntries.slice(last === undefined ? 0 : -Math.max(1, last)),
  changeFiles: ({ state }, { count, seed }) => contentControl.changeFiles(state, Number(count), Number(seed)),
  putFile: ({ state }, { file }) => contentControl.putFile(state, file),
  removeFile: ({ state }, { domain, relativePath }) => contentControl.removeFile(state, domain, relativePath),
  compareFolder: ({ state }, { folder, password }) => contentControl.compareFolder(state, folder, password),
  stateDigest: ({ state }) => stateDigest(backupsOf(state).content),
  setBackups: ({ state }, { behaviour }) => {
    const backups = backupsOf(state);
    backups.behaviour = { ...backups.behaviour, ...behaviour };
  },
  setHostileScript: ({ state }, { steps }) => {
    backupsOf(state).hostileScript = steps.map(decodeHostileStep);
  },
  hostileResults: ({ state }) =>
    backupsOf(state).hostileResults.map(({ step, code, text, downloaded }) => ({
      step,
      ...(code === undefined ? {} : { code }),
      ...(text === undefined ? {} : { text }),
      ...(downloaded === undefined ? {} : { downloaded: downloaded.toString('base64') }),
    })),
};

/**
 * Answers one call. A device method takes the UDID in `udid`; it may be left out when there is one device.
 * @throws Error in plain words for whoever called.
 */
export async function answerControl(
  mux: MuxServer,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  if (Object.hasOwn(hostAnswers, method)) {
    const answer = hostAnswers[method as HostMethod] as (mux: MuxServer, params: unknown) => unknown;
    return answer(mux, params);
  }
  if (!Object.hasOwn(deviceAnswers, method)) {
    const known = [...Object.keys(hostAnswers), ...Object.keys(deviceAnswers)].join(', ');
    throw new Error(`there is no method ${method}; there are ${known}`);
  }
  const answer = deviceAnswers[method as DeviceMethod] as (device: VirtualDevice, params: unknown) => unknown;
  return answer(deviceNamed(mux, params['udid']), params);
}

function deviceNamed(mux: MuxServer, udid: unknown): VirtualDevice {
  const [first, ...others] = mux.devices.values();
  if (udid === undefined && first && others.length === 0) return first;
  const device = typeof udid === 'string' ? mux.devices.get(udid) : undefined;
  if (!device) throw new Error(`there is no device ${String(udid)}; there are ${[...mux.devices.keys()].join(', ')}`);
  return device;
}

function summary(device: VirtualDevice): DeviceSummary {
  const { state, networkAddress } = device;
  const asking = state.trustDialog.asking;
  const lock = state.media.find(SYNC_LOCK_PATH);
  return {
    udid: state.udid,
    name: state.name,
    productType: state.description.productType,
    productVersion: state.description.productVersion,
    attachments: state.attachments,
    ...(networkAddress === undefined ? {} : { networkAddress }),
    switches: { ...state.switches },
    pairedHosts: [...state.pairedHosts.keys()],
    ...(asking
      ? { trustDialog: { systemBuid: asking.systemBuid, ...(asking.hostName ? { hostName: asking.hostName } : {}) } }
      : {}),
    passcodeAsked: state.passcodeAsked,
    syncLocked: lock?.kind === 'file' && lock.lock !== undefined,
    ...(state.fault ? { fault: state.fault } : {}),
    sent: { ...state.sent },
    connections: [...state.connections].map(({ what }) => what),
  };
}

function connectionOf(only: unknown): Connection | undefined {
  return only === undefined ? undefined : oneOf<Connection>('only', only, ['usb', 'network']);
}

function checkFault(fault: Fault): Fault {
  oneOf<FaultWay>('way', fault.way, FAULT_WAYS);
  const at = 'byte' in fault.at ? fault.at.byte : fault.at.message;
  if (!Number.isSafeInteger(at) || at < 0) throw new Error('a fault needs at.byte or at.message');
  return fault;
}

function oneOf<T extends string>(what: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new Error(`${what} must be one of ${allowed.join(', ')}`);
  return found;
}
