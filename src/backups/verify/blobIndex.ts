import fs from 'node:fs';
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { isFileID } from '../format/fileID';
import type { BackupTree, TreeEntry } from '../store/backupTree';

const ID_LENGTH = 20;
/** Sizes asked for between two turns of the event loop: about a millisecond's worth on a local disk. */
const CHUNK = 400;

/** What lies beside the contents in a backup's folder, and belongs there. */
const KNOWN_NAMES = new Set([
  'Info.plist',
  'Manifest.plist',
  'Status.plist',
  'Manifest.db',
  'Manifest.db-shm',
  'Manifest.db-wal',
  'Manifest.mbdb',
  'Manifest.mbdx',
  '.DS_Store',
]);

export interface Blob {
  /** Bytes as stored; -1 if it is not an ordinary file. */
  readonly size: number;
  readonly place: 'sharded' | 'flat';
  /** It was marked as such. */
  readonly asReceived: boolean;
}

/**
 * Which contents a backup folder holds and how long they are, in 29 bytes each: a phone can have more than a million.
 */
export class BlobIndex {
  /** Names that belong to no backup: files in the wrong folder, left-overs. */
  readonly strangers: readonly string[];
  readonly count: number;
  readonly bytes: number;
  readonly #shards: readonly Shard[];

  private constructor(shards: readonly Shard[], strangers: readonly string[]) {
    this.#shards = shards;
    this.strangers = strangers;
    this.count = shards.reduce((sum, shard) => sum + shard.count, 0);
    this.bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  /** Reads the folder's names and sizes; symbolic links are not followed. @throws Node system errors, `cancelled` */
  static async scan(folder: string, signal?: AbortSignal): Promise<BlobIndex> {
    const shards = Array.from({ length: 256 }, () => new Shard());
    const strangers: string[] = [];
    const flat: string[] = [];
    for await (const entry of await opendir(folder)) {
      if (isFileID(entry.name)) flat.push(entry.name);
      else if (!(entry.isDirectory() && /^[0-9a-f]{2}$/.test(entry.name)) && !KNOWN_NAMES.has(entry.name)) {
        strangers.push(entry.name);
      }
    }
    await addAll(shards, folder, flat, 'flat', signal);
    for (let number = 0; number < 256; number++) {
      const name = number.toString(16).padStart(2, '0');
      const below = path.join(folder, name);
      const names: string[] = [];
      for (const entry of namesIn(below)) {
        if (isFileID(entry) && entry.startsWith(name)) names.push(entry);
        else if (entry !== '.DS_Store') strangers.push(`${name}/${entry}`);
      }
      await addAll(shards, below, names, 'sharded', signal);
      // At once: what waits to be sorted takes ten times the room.
      shards[number]?.seal();
    }
    return new BlobIndex(shards, strangers);
  }

  /** The same for a backup whose parts lie in several places. */
  static async scanTree(tree: BackupTree, signal?: AbortSignal): Promise<BlobIndex> {
    const shards = Array.from({ length: 256 }, () => new Shard());
    const strangers: string[] = [];
    const add = (entries: readonly TreeEntry[], place: Blob['place'], prefix: string) => {
      for (const { name, type, sizeBytes } of entries) {
        if (isFileID(name) && name.startsWith(prefix)) {
          shards[parseInt(name.slice(0, 2), 16)]?.add(
            Buffer.from(name, 'hex'),
            type === 'file' ? sizeBytes : -1,
            place,
          );
        } else if (prefix !== '' && name !== '.DS_Store') {
          strangers.push(`${prefix}/${name}`);
        } else if (prefix === '' && !(type === 'directory' && /^[0-9a-f]{2}$/.test(name)) && !KNOWN_NAMES.has(name)) {
          strangers.push(name);
        }
      }
    };
    add(await tree.entries([]), 'flat', '');
    for (let number = 0; number < 256; number++) {
      throwIfAborted(signal);
      const name = number.toString(16).padStart(2, '0');
      add(await tree.entries([name]), 'sharded', name);
      shards[number]?.seal();
    }
    return new BlobIndex(shards, strangers);
  }

  /** Looks a content up and remembers that it was asked for. */
  take(fileID: string): Blob | undefined {
    const id = Buffer.from(fileID, 'hex');
    return this.#shards[id[0] ?? 0]?.take(id);
  }

  /** Looks a content up without a trace. */
  find(fileID: string): Blob | undefined {
    const id = Buffer.from(fileID, 'hex');
    return this.#shards[id[0] ?? 0]?.find(id);
  }

  /** Notes that this content has the length that it had when the backup was made. */
  markAsReceived(fileID: string): void {
    const id = Buffer.from(fileID, 'hex');
    this.#shards[id[0] ?? 0]?.markAsReceived(id);
  }

  /** The contents that nobody took. */
  *untaken(): Generator<string> {
    for (const shard of this.#shards) yield* shard.untaken();
  }
}

/** An absent folder, or a file in its place, holds nothing; the rows that need it say so. */
function namesIn(folder: string): string[] {
  try {
    return fs.lstatSync(folder).isDirectory() ? fs.readdirSync(folder) : [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw error;
  }
}

async function addAll(
  shards: readonly Shard[],
  folder: string,
  names: readonly string[],
  place: Blob['place'],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let start = 0; start < names.length; start += CHUNK) {
    throwIfAborted(signal);
    for (const name of names.slice(start, start + CHUNK)) {
      const stat = fs.lstatSync(`${folder}${path.sep}${name}`, { throwIfNoEntry: false });
      if (!stat) continue;
      shards[parseInt(name.slice(0, 2), 16)]?.add(Buffer.from(name, 'hex'), stat.isFile() ? stat.size : -1, place);
    }
    await new Promise(setImmediate);
  }
}

const FLAT = 1;
const TAKEN = 2;
const AS_RECEIVED = 4;

/** The contents whose ID begins with one byte: IDs sorted for binary search, sizes beside them. */
class Shard {
  count = 0;
  bytes = 0;
  #ids = Buffer.alloc(0);
  #sizes = new Float64Array(0);
  #marks = new Uint8Array(0);
  #pending: { readonly id: Buffer; readonly size: number; readonly mark: number }[] = [];

  add(id: Buffer, size: number, place: Blob['place']): void {
    this.#pending.push({ id, size, mark: place === 'flat' ? FLAT : 0 });
  }

  seal(): void {
    const sorted = this.#pending.sort((a, b) => Buffer.compare(a.id, b.id) || a.mark - b.mark);
    this.count = sorted.length;
    this.#ids = Buffer.alloc(sorted.length * ID_LENGTH);
    this.#sizes = new Float64Array(sorted.length);
    this.#marks = new Uint8Array(sorted.length);
    sorted.forEach(({ id, size, mark }, index) => {
      id.copy(this.#ids, index * ID_LENGTH);
      this.#sizes[index] = size;
      this.#marks[index] = mark;
      this.bytes += Math.max(0, size);
    });
    this.#pending = [];
  }

  take(id: Buffer): Blob | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const blob = this.#at(index);
    this.#marks[index] = (this.#marks[index] ?? 0) | TAKEN;
    return blob;
  }

  find(id: Buffer): Blob | undefined {
    const index = this.#indexOf(id);
    return index === undefined ? undefined : this.#at(index);
  }

  markAsReceived(id: Buffer): void {
    const index = this.#indexOf(id);
    if (index !== undefined) this.#marks[index] = (this.#marks[index] ?? 0) | AS_RECEIVED;
  }

  #at(index: number): Blob {
    const mark = this.#marks[index] ?? 0;
    return {
      size: this.#sizes[index] ?? -1,
      place: mark & FLAT ? 'flat' : 'sharded',
      asReceived: (mark & AS_RECEIVED) !== 0,
    };
  }

  #indexOf(id: Buffer): number | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (id.compare(this.#ids, middle * ID_LENGTH, (middle + 1) * ID_LENGTH) > 0) low = middle + 1;
      else high = middle;
    }
    if (low === this.count || id.compare(this.#ids, low * ID_LENGTH, (low + 1) * ID_LENGTH) !== 0) return undefined;
    return low;
  }

  *untaken(): Generator<string> {
    for (let index = 0; index < this.count; index++) {
      if ((this.#marks[index] ?? 0) & TAKEN) continue;
      yield this.#ids.toString('hex', index * ID_LENGTH, (index + 1) * ID_LENGTH);
    }
  }
}
