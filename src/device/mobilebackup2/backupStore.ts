/**
 * Where a backup's bytes go and come from: the only way from a device's messages to the disk. Paths are the device's own
 * (`<UDID>/Snapshot/ab/ab…`, `/`-separated, relative to the backup root) and hostile: an implementation maps each
 * through one function and never leaves its root.
 *
 * Every method fails with an `AppError` (`unsafePath`, `hostDiskFull`, `diskError`, `nameNotPossible` …) or with a Node
 * system error (`ENOENT`, `ENOTDIR`, …), which the DeviceLink loop turns into the device's numbers.
 */
export interface BackupStore {
  /** @throws ENOENT, EISDIR … */
  openRead(path: string): Promise<StoreReader>;
  /**
   * Writes a whole small file. Creates parents, replaces what is there, by a new inode and a rename: a file of another
   * version that shares its content by hard link is never touched. Several may be under way at once, for different paths.
   */
  writeFile(path: string, content: Uint8Array): Promise<void>;
  /** Like writeFile, piece by piece, for content of any size. */
  create(path: string): Promise<StoreWriter>;
  /** One level, without `.` and `..`; a missing folder is an empty list. */
  list(path: string): Promise<readonly StoreEntry[]>;
  /** With parents; an existing folder is fine. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces the destination, files and whole folders alike; creates its parents. A move onto itself does nothing. */
  move(from: string, to: string): Promise<void>;
  /** Files and whole folders; a missing one is fine. Never the root or the device's own folder. */
  remove(path: string): Promise<void>;
  /** Files and whole folders, with parents; never by hard link. */
  copy(from: string, to: string): Promise<void>;
  /** Bytes that the user may still write on the root's volume (purgeable space counted where the system tells it). */
  freeSpace(): Promise<number>;
}

export interface StoreEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modified: Date;
}

export interface StoreReader extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Fills `buffer` as far as the file goes, from where the last read ended; 0 at the end. */
  read(buffer: Uint8Array): Promise<number>;
}

/** Exactly one of commit() and abort() ends it; until commit() nothing is visible under the path. */
export interface StoreWriter {
  /** Every byte is written, or it throws: a short write is noticed. The caller may reuse `chunk` once this resolves. */
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}
