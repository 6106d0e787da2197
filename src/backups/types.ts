/** One backup folder on disk, as its plists tell. Everything here survives JSON. */
export interface BackupSummary {
  /** Absolute path of the folder that holds Manifest.plist. */
  readonly path: string;
  /** The watched folder it was found in. */
  readonly root: string;
  /** `current`: `<root>/<UDID>`. `version`: an archive by Finder's naming, `<UDID>-YYYYMMDD-HHMMSS`. `other`: any other name. */
  readonly role: 'current' | 'version' | 'other';
  readonly udid?: string;
  readonly deviceName?: string;
  readonly productType?: string;
  readonly productVersion?: string;
  readonly serialNumber?: string;
  /** ISO time: Manifest.plist's or Status.plist's Date, else Info.plist's Last Backup Date. */
  readonly date?: string;
  readonly encrypted: boolean;
  /** Whether the device was supervised, if the backup tells. */
  readonly supervised?: boolean;
  readonly state: 'finished' | 'unfinished' | 'damaged';
  readonly full?: boolean;
  /** A person's own name for it. */
  readonly label?: string;
  /** Bytes on disk; absent until measured. `freed`: what deleting it would free, links considered. */
  readonly size?: { readonly bytes: number; readonly freed: number; readonly files: number };
}

export interface CatalogueState {
  readonly folders: readonly FolderState[];
  /** Newest first. */
  readonly backups: readonly BackupSummary[];
}

export interface FolderState {
  readonly path: string;
  /** `system`: Finder's, iTunes' or Apple Devices' own. */
  readonly kind: 'own' | 'system' | 'added';
  readonly state: 'ready' | 'missing' | 'offline' | 'noPermission' | 'error';
  readonly freeBytes?: number;
}

export type VerifyLevel = 'quick' | 'full';

export interface VerifyReport {
  readonly path: string;
  readonly level: VerifyLevel;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly files: number;
  readonly bytes: number;
  /** The first some thousand. */
  readonly findings: readonly VerifyFinding[];
  /** All that are damage, also those beyond the list. */
  readonly damages: number;
  /** Whether a hash of every file was known from when the backup was made. */
  readonly hashesKnown: boolean;
  /** What could not be checked, and why: `encrypted, no password`. */
  readonly notChecked: readonly string[];
}

export interface VerifyFinding {
  readonly kind:
    | 'missing'
    | 'wrongSize'
    | 'wrongHash'
    | 'undecryptable'
    | 'unreadable'
    | 'stray'
    | 'badRow'
    | 'plist'
    | 'manifest'
    | 'status'
    | 'database';
  /** Damage loses something; a note does not. */
  readonly severity: 'damage' | 'note';
  /** Relative to the backup's folder. */
  readonly file?: string;
  readonly domain?: string;
  readonly relativePath?: string;
  /** What people call the app or the part of the phone that it belongs to: `Apps/Notes`, `Camera Roll`. */
  readonly owner?: string;
  readonly message: string;
  /** Path of another version that holds the same content, if known. */
  readonly alsoIn?: string;
}

export type { Cell, ColumnInfo } from './reader/databaseTypes';
