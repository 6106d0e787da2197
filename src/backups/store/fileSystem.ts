/**
 * The one way from the store to the disk. Narrow, so that tests can record, fail or stop at every single operation.
 * Errors are Node's system errors (`code` is `ENOENT`, `ENOSPC` …) as they come; diskErrors.ts words them.
 * Nothing here follows a symbolic link at the end of a path, and nothing overwrites a file in place.
 */
export interface FileSystem {
  /**
   * `read`: an existing file. `create`: a file that must not exist yet (0600). `append`: at the end, made if missing
   * (0600). `sync`: an existing file, only to call sync(): Windows flushes through a writable handle alone.
   */
  open(path: string, mode: 'read' | 'create' | 'append' | 'sync'): Promise<OpenFile>;
  /** One level, 0700. @throws EEXIST */
  makeDirectory(path: string): Promise<void>;
  /** In no particular order. */
  readDirectory(path: string): Promise<readonly DirectoryEntry[]>;
  /** Like readDirectory, with what stat() tells. Entries that vanish meanwhile are left out. */
  readDirectoryStats(path: string): Promise<readonly DirectoryEntryStat[]>;
  stat(path: string): Promise<FileStat>;
  /** The path without links, spelled as the folders themselves have it where the system tells that. @throws ENOENT … */
  realPath(path: string): Promise<string>;
  /** Replaces a file; @throws ENOTEMPTY, EISDIR, ENOTDIR … where the destination is a folder. */
  rename(from: string, to: string): Promise<void>;
  /** A hard link. @throws EEXIST, EMLINK, and EPERM, ENOTSUP … where the file system has none */
  link(existing: string, path: string): Promise<void>;
  /** A copy that shares its blocks until one of both changes; never a plain copy. @throws EEXIST, ENOTSUP, EXDEV … */
  clone(from: string, to: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** @throws ENOTEMPTY */
  removeDirectory(path: string): Promise<void>;
  /** Sets the time of last change to now. */
  touch(path: string): Promise<void>;
  /** Bytes this user may still write on the volume that holds `path`. */
  freeSpace(path: string): Promise<number>;
  /** The folder's entries survive a power loss; does nothing where the system has no such thing. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Everything written to the volume so far survives a power loss. Can take minutes on a slow disk.
   * @returns false where there is no such order
   * @throws AppError `cancelled` as soon as the signal aborts
   */
  syncFileSystem(path: string, signal?: AbortSignal): Promise<boolean>;
}

export interface OpenFile {
  /** From where the last read ended. @returns 0 at the end */
  read(buffer: Uint8Array): Promise<number>;
  /** May write less than asked for, without an error: whoever calls it counts. */
  write(bytes: Uint8Array): Promise<number>;
  stat(): Promise<FileStat>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export type FileType = 'file' | 'directory' | 'link' | 'other';

export interface DirectoryEntry {
  readonly name: string;
  readonly type: FileType;
}

export interface FileStat {
  readonly type: FileType;
  readonly sizeBytes: number;
  /** Milliseconds since 1970 with the file system's own fraction: equal values mean untouched. */
  readonly modifiedMs: number;
  /** With `device` the same for all names of one file. May lose its lowest bits beyond 2^53. */
  readonly inode: number;
  readonly device: number;
  /** Number of names. */
  readonly links: number;
  /** Bytes that it takes on the disk. */
  readonly allocatedBytes: number;
}

export type DirectoryEntryStat = DirectoryEntry & FileStat;
