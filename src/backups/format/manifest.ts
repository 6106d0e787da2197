import type { BackupFile, FileContent } from './backupFile';
import type { PathIndex } from './pathIndex';

/** One row: what it says, or why it cannot be used. One bad row costs only itself. */
export type ManifestEntry =
  | { readonly ok: true; readonly file: BackupFile }
  | {
      readonly ok: false;
      readonly fileID: string;
      readonly domain: string;
      readonly relativePath: string;
      readonly reason: string;
    };

export interface ManifestName {
  readonly fileID: string;
  readonly relativePath: string;
  readonly kind: BackupFile['kind'];
}

/** What a row says about its content: enough to tell whether that is there, and whole. */
export interface ManifestContent {
  readonly fileID: string;
  readonly kind: BackupFile['kind'];
  /** Bytes as the device saw the file; 0 for what is no file. */
  readonly size: number;
  /** It has an encryption key of its own. */
  readonly hasKey: boolean;
  /** Domain and path; good until the next row is asked for. */
  readonly names: () => { readonly domain: string; readonly relativePath: string };
}

export type ManifestContentEntry =
  (ManifestContent & { readonly ok: true }) | Extract<ManifestEntry, { readonly ok: false }>;

/** The index of a backup, open for reading. */
export interface Manifest {
  /** `flat`: contents lie beside the index (before iOS 10); `sharded`: in folders named by their first two digits. */
  readonly layout: 'flat' | 'sharded';
  /** What was lost of the index itself; undefined when all of it can be read. */
  readonly damage?: string;
  /** Every entry, in no particular order, read as it is asked for. @throws AppError `backupDamaged` */
  entries(): Generator<ManifestEntry>;
  /** The same entries for a check of all of them: several times as quick. @throws AppError `backupDamaged` */
  contents(): Generator<ManifestContentEntry>;
  entriesOfDomain(domain: string): Generator<ManifestEntry>;
  /** Entries whose ID begins with these hex digits, found through the index. @throws AppError `backupDamaged` */
  entriesOfShard(prefix: string): Generator<ManifestEntry>;
  /** Names alone, without their records: quick. The kind is what the row's flags say. */
  namesOfDomain(domain: string): Generator<ManifestName>;
  /** For domains that are too large to hold their names in memory; undefined where the index lacks what that takes. */
  readonly pathIndex?: PathIndex | undefined;
  /**
   * Names whose domain and path contain every word. Between two parts of the work it yields undefined, so that a caller
   * can let others have their turn.
   */
  matchNames(words: readonly string[]): Generator<(ManifestName & { readonly domain: string }) | undefined>;
  /** Every domain, and whether there is a file in it; quick, whatever the size of the index. */
  domainNames(): readonly { readonly domain: string; readonly hasFiles: boolean }[];
  /** Domains with the number of their files, directories not counted. */
  domains(): readonly { readonly domain: string; readonly files: number }[];
  find(fileID: string): ManifestEntry | undefined;
  /** A file's content, several times as quick; undefined where that takes find(). @throws AppError `backupDamaged` */
  findContent(fileID: string): FileContent | undefined;
  /** The same by name: for rows whose ID was not made from it. */
  findNamed(domain: string, relativePath: string): ManifestEntry | undefined;
  close(): void;
}
