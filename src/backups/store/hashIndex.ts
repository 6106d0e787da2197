import type { FileStat } from './fileSystem';

/** inode, size, mtime and hash of the name as f64, SHA-256. */
export const RECORD_BYTES = 64;
const INODE = 0;
const SIZE = 8;
const MODIFIED = 16;
const NAME = 24;
const SHA256 = 32;

/** The records of a HashLog, for looking up. */
export class HashIndex {
  readonly #records: Buffer;
  readonly #byInode: RecordTable;
  #byName: RecordTable | undefined;

  constructor(records: Buffer) {
    this.#records = records;
    this.#byInode = new RecordTable(records, INODE);
  }

  /**
   * The file's SHA-256 if it was written in this staging and not touched since. File systems without lasting inode
   * numbers (FAT, some network shares) are served by the name.
   */
  find(name: string, stat: FileStat): Buffer | undefined {
    const at = this.#byInode.find(stat.inode, stat) ?? this.#findName(name, stat);
    return at === undefined ? undefined : this.#records.subarray(at + SHA256, at + RECORD_BYTES);
  }

  #findName(name: string, stat: FileStat): number | undefined {
    this.#byName ??= new RecordTable(this.#records, NAME);
    return this.#byName.find(nameHash(name), stat);
  }
}

/** Open addressing over the records by one of their fields, size and time; later records win. */
class RecordTable {
  readonly #records: Buffer;
  readonly #key: number;
  readonly #slots: Int32Array;

  constructor(records: Buffer, key: typeof INODE | typeof NAME) {
    this.#records = records;
    this.#key = key;
    const count = Math.floor(records.length / RECORD_BYTES);
    let slots = 16;
    while (slots * 0.75 < count) slots *= 2;
    this.#slots = new Int32Array(slots).fill(-1);
    for (let record = count - 1; record >= 0; record--) {
      const at = record * RECORD_BYTES;
      const value = records.readDoubleLE(at + key);
      // Inodes beyond 2^53 (NTFS) look like their neighbours: those files are known by name alone.
      if (!Number.isSafeInteger(value)) continue;
      const slot = this.#slotOf(value, records.readDoubleLE(at + SIZE), records.readDoubleLE(at + MODIFIED));
      if (this.#slots[slot] === -1) this.#slots[slot] = record;
    }
  }

  /** @returns where the record begins */
  find(value: number, { sizeBytes, modifiedMs }: FileStat): number | undefined {
    if (!Number.isSafeInteger(value)) return undefined;
    const record = this.#slots[this.#slotOf(value, sizeBytes, modifiedMs)]!;
    return record === -1 ? undefined : record * RECORD_BYTES;
  }

  /** Of the record that fits, or the free one where it would be. */
  #slotOf(value: number, size: number, modified: number): number {
    const mask = this.#slots.length - 1;
    let slot = mix(value, size, modified) & mask;
    for (let record = this.#slots[slot]!; record !== -1; record = this.#slots[slot]!) {
      const at = record * RECORD_BYTES;
      const fits =
        this.#records.readDoubleLE(at + this.#key) === value &&
        this.#records.readDoubleLE(at + SIZE) === size &&
        this.#records.readDoubleLE(at + MODIFIED) === modified;
      if (fits) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}

const words = new Float64Array(3);
const halves = new Uint32Array(words.buffer);

function mix(value: number, size: number, modified: number): number {
  words[0] = value;
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
export function nameHash(name: string): number {
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x01000193) ^ (high >>> 13);
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
