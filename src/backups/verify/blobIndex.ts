import { throwIfAborted } from '../../base/abort';
import { isFileID } from '../format/fileID';
import type { BackupTree, TreeEntry } from '../store/backupTree';
import { isOffline, systemCode } from '../store/diskErrors';
import { type Blob, BlobShard } from './blobShard';

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

/** Somebody can put a million files beside a backup; the first ones tell. */
const MAX_STRANGERS = 5000;

/** Which contents a backup holds and how long they are: a phone can have more than a million. */
export class BlobIndex {
  /** Names that belong to no backup: files in the wrong folder, left-overs. The first some thousand. */
  readonly strangers: string[] = [];
  /** Folders of contents that cannot be listed, with the system's code. */
  readonly unlisted = new Map<string, string>();
  readonly #shards = Array.from({ length: 256 }, () => new BlobShard());

  private constructor() {}

  /**
   * Reads names and sizes, a folder at a time. A link in the place of a folder is none.
   * @throws AppError `cancelled`; Node system errors of the folder at the top, and of a disk that has gone
   */
  static async scan(tree: BackupTree, signal?: AbortSignal): Promise<BlobIndex> {
    const index = new BlobIndex();
    const top = await tree.entries([]);
    index.#add(top, '');
    const folders = new Set(top.filter(({ type }) => type === 'directory').map(({ name }) => name));
    for (const [number, shard] of index.#shards.entries()) {
      throwIfAborted(signal);
      const name = number.toString(16).padStart(2, '0');
      if (folders.has(name)) index.#add(await index.#entriesOf(tree, name), name);
      // At once: what waits to be put in order takes several times the room.
      shard.seal();
    }
    return index;
  }

  get count(): number {
    return this.#shards.reduce((sum, { count }) => sum + count, 0);
  }

  /** Of all contents, as stored. */
  get bytes(): number {
    return this.#shards.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Looks a content up and remembers that it was asked for. @param fileID 40 lower-case hex digits, as in all below */
  take(fileID: string): Blob | undefined {
    return this.#shardOf(fileID)?.take(fileID);
  }

  /** Looks a content up without a trace. */
  find(fileID: string): Blob | undefined {
    return this.#shardOf(fileID)?.find(fileID);
  }

  /** Notes that this content has the length that it had when the backup was made. */
  markAsReceived(fileID: string): void {
    this.#shardOf(fileID)?.markAsReceived(fileID);
  }

  /** The contents that nobody took. */
  *untaken(): Generator<string> {
    for (const shard of this.#shards) yield* shard.untaken();
  }

  #shardOf(fileID: string): BlobShard | undefined {
    return this.#shards[parseInt(fileID.slice(0, 2), 16)];
  }

  async #entriesOf(tree: BackupTree, name: string): Promise<readonly TreeEntry[]> {
    try {
      return await tree.entries([name]);
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || isOffline(error)) throw error;
      this.unlisted.set(name, code);
      return [];
    }
  }

  #add(entries: readonly TreeEntry[], folder: string): void {
    for (const { name, type, sizeBytes } of entries) {
      if (isFileID(name) && name.startsWith(folder)) {
        this.#shardOf(name)?.add(name, type === 'file' ? sizeBytes : -1, folder === '' ? 'flat' : 'sharded');
      } else if (folder === '' ? !isExpected(name, type) : name !== '.DS_Store') {
        if (this.strangers.length < MAX_STRANGERS) this.strangers.push(folder === '' ? name : `${folder}/${name}`);
      }
    }
  }
}

function isExpected(name: string, type: TreeEntry['type']): boolean {
  return KNOWN_NAMES.has(name) || (type === 'directory' && /^[0-9a-f]{2}$/.test(name));
}
