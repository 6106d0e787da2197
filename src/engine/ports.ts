import type { Disposable } from '../base/disposable';
import type { BackupSummary, CatalogueState, VerifyLevel, VerifyReport } from '../backups';
import type { BackupStore, DeviceDetails, DeviceIdentity, MuxState, TrustState } from '../device';
import type { EncryptionChange, JobStage, RestoreFinding, RestoreOptions } from './protocol';

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
  checkRestore(udid: string, backup: RestoreSource, signal: AbortSignal): Promise<readonly RestoreFinding[]>;
  restore(udid: string, request: DeviceRestoreRequest): Promise<void>;
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
  /** Files that the device could not read, as `<UDID>/ab/ab…`; the backup is valid without them. */
  readonly skipped: readonly string[];
}

export interface DeviceEncryptionRequest extends DeviceRequest {
  readonly change: EncryptionChange;
}

export interface RestoreSource {
  /** The backup's folder. */
  readonly path: string;
  readonly password?: string;
}

export interface DeviceRestoreRequest extends DeviceRequest {
  readonly source: RestoreSource;
  readonly options: RestoreOptions;
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
  /** @throws AppError `onlyGoodBackup` unless `evenIfOnly`. */
  delete(path: string, options: { readonly evenIfOnly: boolean; readonly signal: AbortSignal }): Promise<void>;
  archive(path: string, signal: AbortSignal): Promise<BackupSummary>;
  label(path: string, label: string): Promise<void>;
  move(path: string, toFolder: string, request: MoveRequest): Promise<BackupSummary>;
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
  commit(request: CommitRequest): Promise<BackupSummary>;
  /** Ends without a commit; what is there stays for the next run. Does nothing after commit(). */
  close(): Promise<void>;
}

export interface CommitRequest {
  /** Of an encrypted backup: with it the check looks into every row. */
  readonly password?: string;
  /** Files that the device could not send, as `<UDID>/ab/ab…`: they are missing without being a fault. */
  readonly skipped: readonly string[];
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

export interface MoveRequest {
  readonly report: (update: ProgressUpdate) => void;
  readonly signal: AbortSignal;
}
