import type { ErrorData } from '../base/errors';
import type { DeviceInfo, MuxState } from '../device';
import type {
  BackupSummary,
  CatalogueState,
  RepairResult,
  RetentionPlan,
  RetentionPolicy,
  VerifyLevel,
  VerifyReport,
} from '../backups';

/**
 * The engine's whole vocabulary, for windows and the command line. Everything here survives JSON. Passwords travel only
 * in the fields named for them, over the private socket, and are kept in memory no longer than the job.
 */
export interface EngineCalls {
  /** First call on a connection. The engine answers with what it is; a client of another version decides what to do. */
  hello: { params: { readonly token: string; readonly client: ClientInfo }; result: EngineInfo };
  /** The whole state at once; afterwards `state` notifications. */
  subscribe: { params: Record<string, never>; result: EngineState };

  /** Goes on until trusted, denied, forbidden or cancelled; the device's `trust` follows live. */
  pair: { params: { readonly udid: string }; result: null };
  unpair: { params: { readonly udid: string }; result: null };
  /** Reads the device's values again. */
  refreshDevice: { params: { readonly udid: string }; result: DeviceInfo };
  setWifiConnections: { params: { readonly udid: string; readonly on: boolean }; result: null };
  setCloudBackup: { params: { readonly udid: string; readonly on: boolean }; result: null };

  /** `folder` is absolute; the backup lands in `<folder>/<UDID>`. Resolves when the job has ended well. */
  backUp: {
    params: {
      readonly udid: string;
      readonly folder: string;
      readonly full?: boolean;
      /** With it, the check at the end looks into every row of an encrypted backup. The device needs none. */
      readonly password?: string;
      /** Which versions stay afterwards. Absent: all. */
      readonly keep?: RetentionPolicy;
    };
    result: MadeBackup;
  };
  changeEncryption: { params: { readonly udid: string; readonly change: EncryptionChange }; result: null };
  /** Resolves when the device has taken the backup and, if it restarts, has been seen to come back or has not for long. */
  restore: { params: RestoreParams; result: RestoreEnd };
  /** The findings before a restore; nothing is changed. */
  checkRestore: { params: Omit<RestoreParams, 'options' | 'date'>; result: readonly RestoreFinding[] };

  /** Which folders the catalogue watches; each window says its own, the engine watches the union. */
  watchFolders: { params: { readonly folders: readonly string[] }; result: CatalogueState };
  rescan: { params: Record<string, never>; result: CatalogueState };
  verify: {
    params: { readonly path: string; readonly level: VerifyLevel; readonly password?: string };
    result: VerifyReport;
  };
  /**
   * A new version in which what the last check found damaged comes from other versions that have it whole.
   * @throws AppError `notAllowed` if no check has found anything that can be repaired
   */
  repairBackup: { params: { readonly path: string }; result: RepairResult };
  deleteBackup: { params: { readonly path: string; readonly evenIfOnly?: boolean }; result: null };
  archiveBackup: { params: { readonly path: string }; result: BackupSummary };
  labelBackup: { params: { readonly path: string; readonly label: string }; result: null };
  moveBackup: { params: { readonly path: string; readonly toFolder: string }; result: BackupSummary };
  /** What a policy would remove; nothing is changed. */
  previewRetention: {
    params: { readonly folder: string; readonly udid: string; readonly policy: RetentionPolicy };
    result: RetentionPlan;
  };
  /** Removes it, and nothing but what `only` names, if it is there: what a preview has shown. @returns what went */
  applyRetention: {
    params: {
      readonly folder: string;
      readonly udid: string;
      readonly policy: RetentionPolicy;
      readonly only?: readonly string[];
    };
    result: readonly string[];
  };
  history: { params: { readonly udid: string }; result: readonly HistoryEntry[] };
  /** For a report of a problem: names no person, device, file or folder. */
  diagnose: { params: Record<string, never>; result: EngineDiagnosis };
  /** Bytes that the next backup of this device will about need here, and what is free; undefined where unknown. */
  estimate: {
    params: { readonly udid: string; readonly folder: string };
    result: { readonly neededBytes?: number; readonly freeBytes?: number; readonly deviceFreeBytes?: number };
  };

  cancelJob: { params: { readonly jobId: string }; result: null };
  /** Removes an ended job from the list. */
  dismissJob: { params: { readonly jobId: string }; result: null };
  /** Ends the engine if no job runs. @returns whether it will. */
  shutdown: { params: Record<string, never>; result: boolean };
}

export type EngineMethod = keyof EngineCalls;

export interface ClientInfo {
  /** Shown to others as the owner of a job: `VS Code`, `command line`. */
  readonly name: string;
  readonly version: string;
  readonly pid: number;
}

export interface EngineInfo {
  readonly version: string;
  readonly pid: number;
  readonly idle: boolean;
  readonly logFile: string;
}

export interface EngineState {
  readonly mux: MuxState;
  readonly devices: readonly DeviceInfo[];
  /** Running jobs, and ended ones until dismissed. Oldest first. */
  readonly jobs: readonly Job[];
  readonly catalogue: CatalogueState;
}

export type JobKind =
  'backup' | 'encryption' | 'cloud' | 'restore' | 'verify' | 'repair' | 'delete' | 'archive' | 'move' | 'pair';

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  /** The device, for jobs on one. */
  readonly udid?: string;
  /** The device's or backup's name when it started. */
  readonly name: string;
  /** The backup folder, for jobs on one. */
  readonly path?: string;
  readonly owner: ClientInfo;
  /** ISO time. */
  readonly startedAt: string;
  readonly progress: JobProgress;
  readonly outcome?: JobOutcome;
}

export type JobStage =
  | 'starting' // connecting, session, services
  | 'waitingForLock' // another program syncs
  | 'readingApps' // Info.plist
  | 'waitingForPasscode' // on the device's screen
  | 'preparing' // the device scans; can be silent for many minutes
  | 'seeding' // linking the last backup
  | 'receiving' // files come in
  | 'sending' // restore: files go out
  | 'moving' // the device moves them into place
  | 'removing'
  | 'checking' // is it a whole backup
  | 'committing' // it takes its place
  | 'restarting' // after a restore
  | 'cancelling'
  | 'working'; // jobs without stages of their own

/** Numbers only; words are made where they are shown. */
export interface JobProgress {
  readonly stage: JobStage;
  /** ISO time when this stage began. */
  readonly stageSince: string;
  /** 0..1; never falls during a job; absent while unknown. */
  readonly fraction?: number;
  readonly bytes: number;
  readonly files: number;
  /** Bytes a second over the last seconds; 0 while nothing moves. */
  readonly bytesPerSecond: number;
  /** Per-file trouble that does not end the job. */
  readonly warnings: number;
}

/** A backup that has just been made. */
export interface MadeBackup extends BackupSummary {
  /** Of an encrypted one: whether the password that came with the request opens it. Absent if none came. */
  readonly passwordOpens?: boolean;
  /** What the device itself could not read; the backup is whole without it. Absent: nothing. */
  readonly notRead?: NotRead;
}

export interface NotRead {
  readonly count: number;
  /** The first hundred: where they live on the device, and its own words. */
  readonly files: readonly { readonly path: string; readonly reason: string }[];
}

export type JobOutcome =
  | {
      readonly kind: 'done';
      readonly endedAt: string;
      readonly backup?: MadeBackup;
      readonly report?: VerifyReport;
      /** After a restore. */
      readonly restore?: RestoreEnd;
      /** After a change of encryption. */
      readonly encryption?: EncryptionChange['kind'];
    }
  | { readonly kind: 'failed'; readonly endedAt: string; readonly error: ErrorData }
  | { readonly kind: 'cancelled'; readonly endedAt: string; readonly by: 'user' | 'device' };

export type EncryptionChange =
  | { readonly kind: 'on'; readonly newPassword: string }
  | { readonly kind: 'change'; readonly oldPassword: string; readonly newPassword: string }
  | { readonly kind: 'off'; readonly oldPassword: string };

export interface RestoreParams {
  readonly udid: string;
  /** The backup's folder, absolute. */
  readonly path: string;
  /** The backup's date, as the person has seen it: when another backup has taken its place since, nothing is done. */
  readonly date?: string;
  readonly password?: string;
  readonly options: RestoreOptions;
}

/** Finder's behaviour is `{systemFiles: true, keepSettings: false, removeOthers: true, restart: true}`. */
export interface RestoreOptions {
  readonly systemFiles: boolean;
  readonly keepSettings: boolean;
  readonly removeOthers: boolean;
  readonly restart: boolean;
}

/** The device has taken the backup. */
export interface RestoreEnd {
  /** Whether it was seen to go and come back; absent if it was not to restart. */
  readonly restarted?: boolean;
}

export interface RestoreFinding {
  readonly id:
    | 'backupUnfinished'
    | 'backupDamaged'
    | 'notTrusted'
    | 'locked'
    | 'findMyOn'
    | 'versionTooOld'
    | 'notEnoughRoom'
    | 'otherKindOfDevice'
    | 'otherDevice'
    | 'supervisionDiffers'
    | 'lowBattery'
    | 'passwordNeeded'
    | 'wrongPassword';
  /** A stopping finding forbids the restore; the others only warn. */
  readonly stops: boolean;
  readonly details: ErrorData['details'];
}

export interface EngineDiagnosis {
  /** Of the computer with the cable: `linux 6.1.0 x64`. */
  readonly system: string;
  readonly runtime: string;
  /** Of usbmuxd, where it can be known. */
  readonly muxVersion?: string;
  /** The last ones of all devices, newest first. */
  readonly runs: readonly PastRun[];
}

export interface PastRun {
  readonly kind: 'backup' | 'restore';
  /** ISO times. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: HistoryEntry['outcome'];
  readonly code?: ErrorData['code'];
  /** The device's own. */
  readonly number?: number;
  readonly bytes: number;
  readonly files: number;
  readonly full: boolean;
}

export interface HistoryEntry {
  /** Absent: a backup. */
  readonly kind?: 'restore';
  readonly udid: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: 'done' | 'failed' | 'cancelled';
  readonly error?: ErrorData;
  readonly bytes: number;
  readonly files: number;
  readonly full: boolean;
  readonly encrypted: boolean;
}
