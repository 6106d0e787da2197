import type { FileDescription } from '../description';
import type { Attachment, Connection, LogEntry } from '../deviceState';
import type { Fault, FaultWay } from '../fault';
import type { BackupBehaviour } from '../mobilebackup2/deviceBackups';
import type { EncodedHostileStep } from '../mobilebackup2/hostileScript';
import type { SwitchChanges, Switches } from '../switches';

/** A device as the control connection shows it. */
export interface DeviceSummary {
  readonly udid: string;
  readonly name: string;
  readonly productType: string;
  readonly productVersion: string;
  readonly attachments: readonly Attachment[];
  readonly networkAddress?: string;
  readonly switches: Readonly<Switches>;
  /** HostIDs that it trusts. */
  readonly pairedHosts: readonly string[];
  /** Whom the Trust dialog on its screen asks about. */
  readonly trustDialog?: { readonly systemBuid: string; readonly hostName?: string };
  readonly passcodeAsked: boolean;
  readonly syncLocked: boolean;
  readonly fault?: Fault;
  /** Bytes and messages sent on service connections. */
  readonly sent: { readonly bytes: number; readonly messages: number };
  /** What is connected to it, for example `lockdown`, `com.apple.afc`. */
  readonly connections: readonly string[];
}

type Method<Params, Result> = { readonly params: Params; readonly result: Result };
/** Empty where nothing has to be said. */
type None = Readonly<Record<never, never>>;

/** What the host as a whole can be asked. */
export interface HostMethods {
  /** The mux. */
  host: Method<None, { readonly address: string; readonly buid: string; readonly pairRecords: readonly string[] }>;
  devices: Method<None, readonly DeviceSummary[]>;
  /** Kills the mux and starts it again after a while. */
  restartMux: Method<{ readonly pauseMs: number }, void>;
  /** Forgets the mux's pair record, as if somebody had cleaned the computer. */
  deletePairRecord: Method<{ readonly udid: string }, boolean>;
}

/** What a device can be asked; every one takes the device's UDID besides. */
export interface DeviceMethods {
  device: Method<None, DeviceSummary>;
  /** Null takes an optional switch away. */
  set: Method<
    { readonly switches: { readonly [Name in keyof SwitchChanges]?: SwitchChanges[Name] | null } },
    DeviceSummary
  >;
  tapTrust: Method<{ readonly button: 'trust' | 'deny' }, void>;
  answerPasscode: Method<{ readonly answer: 'entered' | 'refused' }, void>;
  /** `only`: the cable or the network; absent: both. */
  unplug: Method<{ readonly way?: FaultWay; readonly only?: Connection }, void>;
  plug: Method<{ readonly only?: Connection }, DeviceSummary>;
  /** Away and back with a new DeviceID. */
  replug: Method<None, DeviceSummary>;
  restart: Method<{ readonly pauseMs?: number }, void>;
  /** Reset Location & Privacy: trusts nobody any more. */
  forgetHosts: Method<None, void>;
  erase: Method<None, void>;
  rename: Method<{ readonly name: string }, void>;
  /** A person cancels the sync on the device. */
  cancelSync: Method<None, void>;
  postNotification: Method<{ readonly name: string }, void>;
  notifications: Method<None, { readonly byHosts: readonly string[]; readonly byDevice: readonly string[] }>;
  armFault: Method<{ readonly fault: Fault }, void>;
  disarmFault: Method<None, void>;
  log: Method<{ readonly last?: number }, readonly LogEntry[]>;
  changeFiles: Method<{ readonly count: number; readonly seed: number }, readonly string[]>;
  putFile: Method<{ readonly file: FileDescription }, void>;
  removeFile: Method<{ readonly domain: string; readonly relativePath: string }, void>;
  /** A folder on the machine where the virtual device runs. */
  compareFolder: Method<{ readonly folder: string; readonly password?: string }, readonly string[]>;
  /** One text for all that it holds: equal states, equal texts. */
  stateDigest: Method<None, string>;
  /** How it carries out backups from now on. */
  setBackups: Method<{ readonly behaviour: Partial<BackupBehaviour> }, void>;
  /** Messages that its next conversation over mobilebackup2 begins with; base64 of binary property lists and streams. */
  setHostileScript: Method<{ readonly steps: readonly EncodedHostileStep[] }, void>;
  /** What hosts have answered to them. */
  hostileResults: Method<
    None,
    readonly { readonly step: number; readonly code?: number; readonly text?: string; readonly downloaded?: string }[]
  >;
}

export type HostMethod = keyof HostMethods;
export type DeviceMethod = keyof DeviceMethods;

/** What a control connection is told after `watch`. */
export type ControlEvent =
  | { readonly event: 'log'; readonly udid?: string; readonly text: string }
  | { readonly event: 'attached' | 'detached'; readonly udid: string; readonly deviceId: number }
  | { readonly event: 'notification'; readonly udid: string; readonly name: string }
  | { readonly event: 'switches'; readonly udid: string; readonly switches: Readonly<Record<string, unknown>> };

/** Calls a method wherever the device runs: in this process or in another. */
export type ControlCall = (method: string, params: Readonly<Record<string, unknown>>) => Promise<unknown>;
