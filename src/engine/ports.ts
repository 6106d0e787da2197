import type { Disposable } from '../base/disposable';
import type {
  BackupSummary,
  CatalogueState,
  RepairResult,
  RetentionPlan,
  RetentionPolicy,
  VerifyLevel,
  VerifyReport,
} from '../backups';
import type { BackupStore, DeviceDetails, DeviceIdentity, MuxState, TrustState } from '../device';
import type { EncryptionChange, JobStage, MadeBackup, NotRead, RestoreOptions } from './protocol';

/** What the engine needs of the modules below it, and no more: tests put fakes here. */
export interface EnginePorts {
  readonly devices: DevicesPort;
  readonly backups: BackupsPort;
}

export interface DevicesPort {
  /** Reports what is there, and then every change, until disposed. */
  watch(events: DeviceEvents): Disposable;
  /** Asks the device who it is and whether it trusts this computer; `details` when it does. Never opens a dialog. */
  probe(udid: string, signal: AbortSignal): Promise<DeviceProbe>;
  /** Calls `changed` when the device says that something probe() reads has changed. Ends when the connection does. */
  observe(udid: string, changed: () => void, signal: AbortSignal): Promise<void>;
  /** Goes on until trusted, or fails; every step is told. */
  pair(udid: string, told: (trust: TrustState) => void, signal: AbortSignal): Promise<void>;
  unpair(udid: string, signal: AbortSignal): Promise<void>;
  setWifiConnections(udid: string, on: boolean, signal: AbortSignal): Promise<void>;
  setCloudBackup(udid: string, on: boolean, signal: AbortSignal): Promise<void>;
  backUp(udid: string, request: DeviceBackupRequest): Promise<DeviceBackupOutcome>;
  changeEncryption(udid: string, request: DeviceEncryptionRequest): Promise<void>;
  restore(udid: string, request: DeviceRestoreRequest): Promise<DeviceRestoreOutcome>;
  /** Of the service on this computer, where it can be known. Never fails. */
  muxVersion(): Promise<string | undefined>;
}

export interface DeviceEvents {
  state(state: MuxState): void;
  attached(udid: string, connection: 'usb' | 'network'): void;
  detached(udid: string, connection: 'usb' | 'network'): void;
  paired(udid: string): void;
}

export interface DeviceProbe {
  readonly identity?: DeviceIdentity;
  readonly trust: TrustState;
  readonly details?: DeviceDetails;
}

/** Numbers of a running job; what is absent did not change. */
export interface ProgressUpdate {
  readonly stage?: JobStage;
  readonly fraction?: number;
  readonly bytes?: number;
  readonly files?: number;
  readonly warnings?: number;
}

interface DeviceRequest {
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}

export interface DeviceBackupRequest extends DeviceRequest {
  readonly store: BackupStore;
  /** Asks for everything again. */
  readonly full: boolean;
}

export interface DeviceBackupOutcome {
  /** Whether the device sent everything, not only what had changed. */
  readonly full: boolean;
  readonly bytes: number;
  readonly files: number;
  /** Whether it encrypts its backups. */
  readonly encrypted: boolean;
  /** Contents that the device could not read, by their file IDs; the backup is valid without them. */
  readonly skipped: ReadonlySet<string>;
  /** The same for people; absent if there is nothing. */
  readonly notRead?: NotRead;
}

export interface DeviceEncryptionRequest extends DeviceRequest {
  readonly change: EncryptionChange;
}

export interface DeviceRestoreRequest extends DeviceRequest {
  /** Holds the backup as `<sourceUdid>/`. */
  readonly store: BackupStore;
  readonly sourceUdid: string;
  readonly password?: string;
  readonly options: RestoreOptions;
}

export interface DeviceRestoreOutcome {
  readonly bytes: number;
  readonly files: number;
  /** Whether it was seen to go and come back; undefined if it was not to restart. */
  readonly restarted: boolean | undefined;
}

export interface BackupsPort {
  /** Follows these folders until disposed; `changed` is called at once with what is known. */
  watch(folders: readonly string[], changed: (state: CatalogueState) => void): CatalogueWatch;
  /** Finishes or undoes a commit that was interrupted. Does nothing, as often as it is called, when nothing was. */
  recover(folder: string, signal: AbortSignal): Promise<void>;
  /** Bytes that this user may write there. */
  freeSpace(folder: string): Promise<number | undefined>;
  /**
   * A copy of the finished backup to change, or what an interrupted run has left of one.
   * @throws AppError `folderMissing`, `folderNotWritable`, `noPermission`, `diskError` …
   */
  openStaging(request: StagingRequest): Promise<Staging>;
  verify(request: VerifyRequest): Promise<VerifyReport>;
  /** From the report of the last check. @throws AppError `notAllowed` */
  repair(path: string, request: CopyRequest): Promise<RepairResult>;
  /** @throws AppError `onlyGoodBackup` unless `evenIfOnly`. */
  delete(path: string, request: DeleteRequest): Promise<void>;
  archive(path: string, request: CopyRequest): Promise<BackupSummary>;
  /** An empty label takes it away. */
  label(path: string, label: string): Promise<void>;
  move(path: string, toFolder: string, request: CopyRequest): Promise<BackupSummary>;
  previewRetention(folder: string, udid: string, policy: RetentionPolicy, signal: AbortSignal): Promise<RetentionPlan>;
  /** @returns the versions that went */
  applyRetention(
    folder: string,
    udid: string,
    policy: RetentionPolicy,
    request: ApplyRetentionRequest,
  ): Promise<readonly string[]>;
  /** One backup. @throws AppError `notABackup`, `noPermission` */
  describe(path: string, signal: AbortSignal): Promise<BackupSummary>;
  /** Bytes that its files take. */
  sizeOf(path: string, signal: AbortSignal): Promise<number>;
  /** The backup for a device to read, as `<udid>/`; it stays as it is. */
  openSource(path: string, udid: string): Promise<RestoreSource>;
}

export interface ApplyRetentionRequest {
  /** Nothing but these goes: what a preview has shown. */
  readonly only?: readonly string[] | undefined;
  /** Keeps other jobs from a version until disposed of, right before it goes; undefined: one works on it, so it stays. */
  readonly hold: (version: string) => Disposable | undefined;
  readonly signal: AbortSignal;
}

export interface DeleteRequest {
  readonly evenIfOnly: boolean;
  readonly signal: AbortSignal;
}

export interface RestoreSource {
  readonly store: BackupStore;
  close(): Promise<void>;
}

export interface CatalogueWatch extends Disposable {
  rescan(): Promise<CatalogueState>;
}

export interface StagingRequest {
  readonly folder: string;
  readonly udid: string;
  /** Begins with nothing, not from the finished backup. */
  readonly full: boolean;
  /** Throws away what an interrupted run has left. */
  readonly fresh: boolean;
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}

export interface Staging {
  readonly store: BackupStore;
  /** Continues an interrupted run. */
  readonly resumed: boolean;
  /** There is a finished backup that it started from. */
  readonly incremental: boolean;
  /**
   * Checks that it is a whole backup and puts it in place.
   * @throws AppError `backupIncomplete`, `wrongPassword`, `hostDiskFull` …: the finished backup is what it was then
   */
  commit(request: CommitRequest): Promise<MadeBackup>;
  /** Ends without a commit; what is there stays for the next run. Does nothing after commit(). */
  close(): Promise<void>;
}

export interface CommitRequest {
  /** The device has said that it encrypts its backups. */
  readonly encrypted: boolean;
  /** Of an encrypted backup: with it the check looks into every row. A wrong one does not make the backup a bad one. */
  readonly password?: string;
  /** Contents that the device could not read, by their file IDs: missing or cut short without being a fault. */
  readonly skipped: ReadonlySet<string>;
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}

export interface VerifyRequest {
  readonly path: string;
  readonly level: VerifyLevel;
  readonly password?: string;
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}

export interface CopyRequest {
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}
