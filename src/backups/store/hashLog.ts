import type { Log } from '../../base/log';
import { isMissing } from './diskErrors';
import type { FileStat, FileSystem, OpenFile } from './fileSystem';
import { HashIndex, nameHash, RECORD_BYTES } from './hashIndex';
import { writeFully } from './writeFully';

const FLUSH_BYTES = 256 * 1024;

/**
 * The SHA-256 of every file written into a staging folder, noted while the bytes pass by. Kept on disk, not in memory:
 * a first backup may have a million files. A lost or torn log costs only time, since what has no record is read again.
 */
export class HashLog {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #log: Log;
  #pending = Buffer.allocUnsafe(FLUSH_BYTES);
  #length = 0;
  #file: OpenFile | undefined;
  #broken = false;
  #flushing: Promise<void> = Promise.resolve();

  constructor(fileSystem: FileSystem, path: string, log: Log) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#log = log;
  }

  /** @param stat Of the finished file: a record counts only while inode, size and time are the same */
  record(name: string, stat: FileStat, sha256: Uint8Array): void {
    if (this.#broken) return;
    if (this.#length + RECORD_BYTES > this.#pending.length) void this.flush();
    const at = this.#length;
    this.#pending.writeDoubleLE(stat.inode, at);
    this.#pending.writeDoubleLE(stat.sizeBytes, at + 8);
    this.#pending.writeDoubleLE(stat.modifiedMs, at + 16);
    this.#pending.writeDoubleLE(nameHash(name), at + 24);
    this.#pending.set(sha256, at + 32);
    this.#length += RECORD_BYTES;
  }

  /** Everything that was recorded is, or will be after flush(), on the disk. */
  get whole(): boolean {
    return !this.#broken;
  }

  /** Never fails: a full disk costs the log, not the backup. */
  flush(): Promise<void> {
    const bytes = this.#pending.subarray(0, this.#length);
    this.#pending = Buffer.allocUnsafe(FLUSH_BYTES);
    this.#length = 0;
    if (bytes.length > 0) this.#flushing = this.#flushing.then(() => this.#append(bytes));
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  /** Everything recorded so far, for looking up. Memory: about 70 bytes a record. */
  async index(): Promise<HashIndex> {
    await this.flush();
    return readHashIndex(this.#fileSystem, this.#path);
  }

  /** A crash may have torn the last record. */
  async #openAligned(): Promise<OpenFile> {
    const file = await this.#fileSystem.open(this.#path, 'append');
    try {
      const torn = (await file.stat()).sizeBytes % RECORD_BYTES;
      if (torn > 0) await writeFully(this.#fileSystem, file, Buffer.alloc(RECORD_BYTES - torn), this.#path);
      return file;
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#broken) return;
    try {
      this.#file ??= await this.#openAligned();
      await writeFully(this.#fileSystem, this.#file, bytes, this.#path);
    } catch (error) {
      this.#broken = true;
      this.#log.warn(`hashes are no longer noted: ${String(error)}`);
    }
  }
}

async function readHashIndex(fileSystem: FileSystem, path: string): Promise<HashIndex> {
  let file: OpenFile;
  try {
    file = await fileSystem.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return new HashIndex(Buffer.alloc(0));
    throw error;
  }
  try {
    const { sizeBytes } = await file.stat();
    const bytes = Buffer.allocUnsafe(sizeBytes - (sizeBytes % RECORD_BYTES));
    let length = 0;
    while (length < bytes.length) {
      const count = await file.read(bytes.subarray(length, length + (1 << 20)));
      if (count === 0) break;
      length += count;
    }
    return new HashIndex(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}
