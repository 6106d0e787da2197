import type {
  CellContent,
  ContentMatch,
  Difference,
  DomainSize,
  PhotoCount,
  ExtractKind,
  ExtractReport,
  RowsPage,
  RowsQuery,
  TableInfo,
} from '../backups';

/**
 * The reader's whole vocabulary: one reader process serves one backup to one window, over the channel that Node opens
 * between a process and its child. Everything here survives structured clone; bytes travel as bytes.
 *
 * A path is a shown one (`Apps/Notes/Documents/a.txt`), `/`-separated without a leading slash; empty for the root.
 */
export interface ReaderCalls {
  /** First, and once. Opens an unencrypted backup at once. */
  open: { params: { readonly folder: string; readonly idleMs: number }; result: OpenedBackupInfo };
  /** The password travels here and nowhere else. */
  unlock: { params: { readonly password: string }; result: null };
  list: { params: { readonly path: string }; result: readonly ListedEntry[] };
  stat: { params: { readonly path: string }; result: EntryInfo };
  /** Every domain that is shown. */
  domains: {
    params: Record<string, never>;
    result: readonly { readonly domain: string; readonly path: string }[];
  };
  /** @returns fewer bytes only at the end. */
  read: { params: { readonly path: string; readonly offset: number; readonly length: number }; result: Uint8Array };
  /** For people: property lists, databases and binary files as text that can be compared line by line. */
  readableText: { params: { readonly path: string }; result: string };
  plistText: { params: { readonly path: string }; result: string };

  tables: { params: { readonly path: string }; result: DatabaseInfo };
  rows: { params: { readonly path: string; readonly query: RowsQuery }; result: RowsPage };
  cell: {
    params: {
      readonly path: string;
      readonly query: Omit<RowsQuery, 'limit' | 'offset'>;
      readonly row: number;
      readonly column: string;
    };
    result: CellContent;
  };

  /**
   * How much each app and each part of the phone takes, largest first. `before`: an earlier backup to compare with;
   * `compared` tells whether the password of this one opens that. `photos`: absent without a photo library.
   */
  sizes: {
    params: { readonly before?: string };
    result: { readonly domains: readonly DomainSize[]; readonly compared: boolean; readonly photos?: PhotoCount };
  };

  /** Resolves when all is found, or `limit` of it. */
  searchNames: {
    params: { readonly text: string; readonly limit: number };
    result: { readonly matches: readonly NamedPath[]; readonly more: boolean };
  };
  /** Matches come with the progress. @param path A file or folder; empty: everything. */
  searchContents: {
    params: { readonly text: string; readonly path: string };
    result: { readonly files: number; readonly unreadable: number };
  };
  /** @param target Absolute. */
  extract: {
    params: { readonly target: string; readonly what: ExtractWhat };
    result: ExtractReport;
  };

  /**
   * Compares with an earlier backup, which is opened beside this one until closeComparison. Differences come with the
   * progress. @throws AppError `passwordNeeded` if the password of this one does not open the other.
   */
  compare: { params: { readonly folder: string; readonly password?: string }; result: { readonly files: number } };
  /** A file of either side as text; empty where it is not. */
  comparedText: {
    params: { readonly side: 'before' | 'after'; readonly domain: string; readonly relativePath: string };
    result: string;
  };
  closeComparison: { params: Record<string, never>; result: null };
}

export type ReaderMethod = keyof ReaderCalls;

/** Reader → client while a call runs, with the number that the call was given. */
export interface ReaderProgress {
  readonly files: number;
  readonly bytes: number;
  readonly unreadable?: number;
  readonly matches?: readonly FoundContent[];
  readonly differences?: readonly FoundDifference[];
}

export interface ReaderNotifications {
  progress: { readonly call: number; readonly progress: ReaderProgress };
}

/** What a call has while it runs. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ReaderProgress) => void;
}

/** What every call carries: `call` numbers it for its progress. */
export interface Envelope<M extends ReaderMethod> {
  readonly call: number;
  readonly params: ReaderCalls[M]['params'];
}

export interface OpenedBackupInfo {
  readonly encrypted: boolean;
  readonly locked: boolean;
  readonly udid?: string;
  readonly deviceName?: string;
}

export type EntryKind = 'file' | 'folder' | 'link';

export interface ListedEntry {
  readonly name: string;
  readonly kind: EntryKind;
}

export interface EntryInfo {
  readonly kind: EntryKind;
  /** Bytes of the content itself, which can differ from what the device recorded. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly modified: number;
}

export interface NamedPath {
  readonly path: string;
  readonly kind: EntryKind;
}

export interface DatabaseInfo {
  readonly tables: readonly TableInfo[];
  /** Pages that were merged from its write-ahead log. */
  readonly logPages: number;
}

export interface FoundContent extends ContentMatch {
  readonly path: string;
}

export interface FoundDifference extends Difference {
  /** Where it is shown, in either backup. */
  readonly path: string;
}

export type ExtractWhat =
  /** Files and folders, each under its own name. */
  | { readonly kind: 'paths'; readonly paths: readonly string[] }
  | { readonly kind: 'everything' }
  | { readonly kind: ExtractKind }
  /** Documents, Library … of one app, straight into the target. */
  | { readonly kind: 'container'; readonly bundleID: string };
