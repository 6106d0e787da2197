import type { Log } from '../../base/log';
import { isMissing } from './diskErrors';
import type { FileStat, FileSystem, OpenFile } from './fileSystem';
import { writeFully } from './writeFully';

/** inode, size, mtime and hash of the name as f64, SHA-256. */
const RECORD_BYTES = 64;
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

  /** Everything recorded so far, for looking up. Memory: about 80 bytes a record. */
  async index(): Promise<HashIndex> {
    await this.flush();
    return readHashIndex(this.#fileSystem, this.#path);
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#broken) return;
    try {
      this.#file ??= await this.#fileSystem.open(this.#path, 'append');
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

/** Open addressing over the records; later records win. */
export class HashIndex {
  readonly #records: Buffer;
  readonly #byInode: Int32Array;
  readonly #byName: Int32Array;
  readonly #mask: number;

  constructor(records: Buffer) {
    this.#records = records;
    const count = Math.floor(records.length / RECORD_BYTES);
    let slots = 16;
    while (slots < count * 2) slots *= 2;
    this.#mask = slots - 1;
    this.#byInode = new Int32Array(slots).fill(-1);
    this.#byName = new Int32Array(slots).fill(-1);
    for (let record = count - 1; record >= 0; record--) {
      const at = record * RECORD_BYTES;
      const size = records.readDoubleLE(at + 8);
      const modified = records.readDoubleLE(at + 16);
      const inode = records.readDoubleLE(at);
      const name = records.readDoubleLE(at + 24);
      // Beyond 2^53 (NTFS) neighbours look alike: those files are known by name alone.
      if (Number.isSafeInteger(inode)) {
        this.#put(
          this.#byInode,
          mix(inode, size, modified),
          at,
          (other) => this.#fits(other, size, modified) && records.readDoubleLE(other) === inode,
        );
      }
      this.#put(
        this.#byName,
        mix(name, size, modified),
        at,
        (other) => this.#fits(other, size, modified) && records.readDoubleLE(other + 24) === name,
      );
    }
  }

  /**
   * The file's SHA-256 if it was written in this staging and not touched since. File systems without lasting inode
   * numbers (FAT, some network shares) are served by the name.
   */
  find(name: string, stat: FileStat): Buffer | undefined {
    const at = this.#findInode(stat) ?? this.#findName(nameHash(name), stat);
    return at === undefined ? undefined : this.#records.subarray(at + 32, at + RECORD_BYTES);
  }

  #findInode({ inode, sizeBytes, modifiedMs }: FileStat): number | undefined {
    if (!Number.isSafeInteger(inode)) return undefined;
    const same = (at: number) => this.#fits(at, sizeBytes, modifiedMs) && this.#records.readDoubleLE(at) === inode;
    return this.#get(this.#byInode, mix(inode, sizeBytes, modifiedMs), same);
  }

  #findName(name: number, { sizeBytes, modifiedMs }: FileStat): number | undefined {
    const same = (at: number) => this.#fits(at, sizeBytes, modifiedMs) && this.#records.readDoubleLE(at + 24) === name;
    return this.#get(this.#byName, mix(name, sizeBytes, modifiedMs), same);
  }

  #fits(at: number, size: number, modified: number): boolean {
    return this.#records.readDoubleLE(at + 8) === size && this.#records.readDoubleLE(at + 16) === modified;
  }

  #put(table: Int32Array, hash: number, at: number, same: (other: number) => boolean): void {
    let slot = hash & this.#mask;
    for (let other = table[slot]; other !== undefined && other >= 0; other = table[slot]) {
      if (same(other * RECORD_BYTES)) return;
      slot = (slot + 1) & this.#mask;
    }
    table[slot] = at / RECORD_BYTES;
  }

  #get(table: Int32Array, hash: number, same: (other: number) => boolean): number | undefined {
    let slot = hash & this.#mask;
    for (let other = table[slot]; other !== undefined && other >= 0; other = table[slot]) {
      if (same(other * RECORD_BYTES)) return other * RECORD_BYTES;
      slot = (slot + 1) & this.#mask;
    }
    return undefined;
  }
}

const words = new Float64Array(3);
const halves = new Uint32Array(words.buffer);

function mix(key: number, size: number, modified: number): number {
  words[0] = key;
  words[1] = size;
  words[2] = modified;
  let hash = 0x811c9dc5;
  for (const half of halves) {
    hash = Math.imul(hash ^ half, 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

/** 53 bits of two FNV-1a hashes over UTF-16 units. */
function nameHash(name: string): number {
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x01000193) ^ (high >>> 13);
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
