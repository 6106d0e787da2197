import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../../base/errors';
import type { BackupStore, StoreEntry, StoreReader, StoreWriter } from '../../device';
import { availableSpace } from './availableSpace';
import { diskError, isMissing, systemCode, systemError } from './diskErrors';
import type { FileStat, FileSystem } from './fileSystem';
import { makeDirectories, removeTree } from './folders';
import { nameHash } from './hashIndex';
import type { HashLog } from './hashLog';
import { moveOver, renameFile } from './moveOver';
import type { NameGuard } from './nameGuard';
import { hostPath, splitDevicePath } from './pathInside';
import { isSamePath, isWithin } from './pathParts';
import { sha256 } from './sha256';
import { openStoreReader, pumpAll } from './storeReader';
import { writeFully } from './writeFully';

export interface FolderStoreOptions {
  readonly fileSystem: FileSystem;
  /** Absolute; holds `<UDID>/` and `.b/`. */
  readonly root: string;
  readonly udid: string;
  /** A folder on the same volume, outside of what the device sees, for files that are being written. */
  readonly temporary: string;
  readonly hashes?: HashLog;
  /** Where the disk takes different names for one. */
  readonly guard?: NameGuard;
  readonly platform?: NodeJS.Platform;
}

/** Places of new files that are remembered: what a device moves into its place it has sent shortly before. */
const MAX_NEW = 200_000;

/** Enough for every folder of a backup; a device that makes more pays with speed. */
const MAX_KNOWN_FOLDERS = 10_000;

/**
 * A folder as the device sees it. A file is written under a temporary name and takes its place by a rename: whole, as a
 * new inode, so that another version that shares the old content is never touched. Symbolic links are never followed.
 */
export class FolderStore implements BackupStore {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #udid: string;
  readonly #temporary: string;
  readonly #hashes: HashLog | undefined;
  readonly #guard: NameGuard | undefined;
  readonly #platform: NodeJS.Platform;
  /** Folders (as `a/b`) that are known to be real folders: one stat each, not one for every file in them. */
  readonly #known = new Set<string>();
  /** Hashes of the places that this store has put a new file in: it has no other name. */
  readonly #new = new Set<number>();
  readonly #session = randomBytes(4).toString('hex');
  #counter = 0;

  constructor(options: FolderStoreOptions) {
    this.#fileSystem = options.fileSystem;
    this.#root = options.root;
    this.#udid = options.udid;
    this.#temporary = options.temporary;
    this.#hashes = options.hashes;
    this.#guard = options.guard;
    this.#platform = options.platform ?? process.platform;
  }

  async openRead(path: string): Promise<StoreReader> {
    const parts = this.split(path);
    return this.#worded('open', path, async () => {
      await this.#checkParents(parts);
      return openStoreReader(this.#fileSystem, this.hostPath(parts));
    });
  }

  async writeFile(path: string, content: Uint8Array): Promise<void> {
    const parts = this.#splitTarget(path);
    await this.#worded('write', path, async () => {
      const temporary = this.#temporaryFile();
      const file = await this.#create(temporary);
      try {
        let stat: FileStat | undefined;
        try {
          await writeFully(this.#fileSystem, file, content, this.#root);
          if (this.#hashes) stat = await file.stat();
        } finally {
          await file.close();
        }
        await this.#place(temporary, parts);
        if (stat) this.#hashes?.record(parts.at(-1) ?? '', stat, sha256(content));
      } catch (error) {
        await this.#fileSystem.removeFile(temporary).catch(() => {});
        throw error;
      }
    });
  }

  async create(path: string): Promise<StoreWriter> {
    const parts = this.#splitTarget(path);
    return this.#worded('create', path, async () => {
      const temporary = this.#temporaryFile();
      const file = await this.#create(temporary);
      const hash = this.#hashes ? createHash('sha256') : undefined;
      let state: 'open' | 'failed' | 'ended' = 'open';
      const discard = async () => {
        state = 'ended';
        await file.close().catch(() => {});
        await this.#fileSystem.removeFile(temporary).catch(() => {});
      };
      return {
        write: (chunk) =>
          this.#worded('write', path, async () => {
            if (state !== 'open') throw new AppError('unexpected', `write() after ${state}`);
            try {
              const written = writeFully(this.#fileSystem, file, chunk, this.#root);
              // While the disk has the bytes.
              hash?.update(chunk);
              await written;
            } catch (error) {
              state = 'failed';
              throw error;
            }
          }),
        commit: () =>
          this.#worded('write', path, async () => {
            if (state !== 'open') throw new AppError('unexpected', `commit() after ${state}`);
            try {
              const stat = hash ? await file.stat() : undefined;
              await file.close();
              await this.#place(temporary, parts);
              state = 'ended';
              if (hash && stat) this.#hashes?.record(parts.at(-1) ?? '', stat, hash.digest());
            } catch (error) {
              await discard();
              throw error;
            }
          }),
        abort: async () => {
          if (state !== 'ended') await discard();
        },
      };
    });
  }

  async list(path: string): Promise<readonly StoreEntry[]> {
    const parts = this.split(path);
    return this.#worded('list', path, async () => {
      try {
        await this.#checkParents(parts);
        await this.#checkFolder(parts);
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        throw error;
      }
      const entries = await this.#fileSystem.readDirectoryStats(this.hostPath(parts));
      return entries
        .filter((entry) => parts.length > 0 || entry.name === this.#udid || entry.name === '.b')
        .map((entry) => ({
          name: entry.name,
          type: entry.type === 'link' ? 'other' : entry.type,
          sizeBytes: entry.sizeBytes,
          modified: new Date(entry.modifiedMs),
        }));
    });
  }

  async makeDirectory(path: string): Promise<void> {
    const parts = this.split(path);
    await this.#worded('make the folder', path, async () => {
      await this.#claim(parts);
      await this.#ensureFolder(parts);
    });
  }

  async move(from: string, to: string): Promise<void> {
    const source = this.#splitTarget(from);
    const target = this.#splitTarget(to);
    await this.#worded('move', from, async () => {
      await this.#checkParents(source);
      const sourcePath = this.hostPath(source);
      const isNew = this.#new.delete(keyOf(source));
      const stat = isNew ? undefined : await this.#fileSystem.stat(sourcePath);
      if (isSamePath(source, target)) return;
      // Into itself, or over a folder that holds it: the replaced folder would take the source with it.
      if (isWithin(target, source) || isWithin(source, target)) throw systemError('EINVAL', to);
      await this.#claim(target, source);
      await this.#ensureFolder(target.slice(0, -1));
      const targetPath = this.hostPath(target);
      this.#new.delete(keyOf(target));
      // What nearly all moves are: nobody needs to be asked what is there, for a folder refuses to be replaced by a file.
      const only = !stat || (stat.type === 'file' && stat.links === 1);
      if (only && (await renameFile(this.#fileSystem, sourcePath, targetPath))) return;
      this.#forget();
      await moveOver(this.#fileSystem, sourcePath, targetPath, stat);
    });
  }

  async remove(path: string): Promise<void> {
    const parts = this.#splitTarget(path);
    await this.#worded('remove', path, async () => {
      try {
        await this.#checkParents(parts);
        const host = this.hostPath(parts);
        const stat = await this.#fileSystem.stat(host);
        if (stat.type !== 'directory') return await this.#fileSystem.removeFile(host);
        this.#forget();
        await removeTree(this.#fileSystem, host);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    });
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.split(from);
    const target = this.#splitTarget(to);
    await this.#worded('copy', from, async () => {
      await this.#checkParents(source);
      const { type } = await this.#fileSystem.stat(this.hostPath(source));
      if (isSamePath(source, target)) return;
      if (isWithin(target, source) || isWithin(source, target)) throw systemError('EINVAL', to);
      if (type === 'file') return this.#copyFile(source, target);
      if (type !== 'directory') throw systemError('EINVAL', from);
      await this.remove(to);
      await this.#copyFolder(source, target);
    });
  }

  async freeSpace(): Promise<number> {
    return this.#worded('ask for free space', '', () => availableSpace(this.#fileSystem, this.#root));
  }

  /** @throws AppError `unsafePath`, `nameNotPossible` */
  split(path: string): readonly string[] {
    return splitDevicePath(path, this.#udid, this.#platform);
  }

  hostPath(parts: readonly string[]): string {
    return hostPath(this.#root, parts, this.#platform);
  }

  /** Undefined for what is not there, and for what lies behind a file or a link. */
  async stat(parts: readonly string[]): Promise<FileStat | undefined> {
    try {
      await this.#checkParents(parts);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return this.#statOrNothing(this.hostPath(parts));
  }

  /** Like split, for what is written, moved or removed: never the root or a device's own folder. */
  #splitTarget(path: string): readonly string[] {
    const parts = this.split(path);
    const [first, second] = parts;
    if (first === undefined || (first === this.#udid && second === undefined)) {
      throw new AppError('unsafePath', `refused ${JSON.stringify(path)}: it is the backup itself`, {
        details: { path },
      });
    }
    return parts;
  }

  async #worded<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskError(error, { doing, path, writing: doing !== 'open' && doing !== 'list' });
    }
  }

  #temporaryFile(): string {
    return `${this.#temporary}/${this.#session}${(this.#counter++).toString(36)}`;
  }

  async #create(path: string) {
    try {
      return await this.#fileSystem.open(path, 'create');
    } catch (error) {
      if (!isMissing(error)) throw error;
      await makeDirectories(this.#fileSystem, this.#temporary);
      return this.#fileSystem.open(path, 'create');
    }
  }

  /** The finished temporary file takes its place. */
  async #place(temporary: string, parts: readonly string[]): Promise<void> {
    await this.#claim(parts);
    await this.#ensureFolder(parts.slice(0, -1));
    await this.#fileSystem.rename(temporary, this.hostPath(parts));
    if (this.#new.size >= MAX_NEW) this.#new.clear();
    this.#new.add(keyOf(parts));
  }

  /** Whole folders change their place, or go. */
  #forget(): void {
    this.#known.clear();
    this.#new.clear();
  }

  async #claim(parts: readonly string[], insteadOf?: readonly string[]): Promise<void> {
    if (!this.#guard) return;
    // A change of case alone: the name that it meets is its own.
    if (insteadOf && isSamePath(parts.slice(0, -1), insteadOf.slice(0, -1))) {
      const [name, old] = [parts.at(-1), insteadOf.at(-1)];
      if (name?.toLowerCase() === old?.toLowerCase()) return;
    }
    await this.#guard.claim(parts, (parent) => [this.hostPath(parent)]);
  }

  /** Every folder above is a real one. @throws ENOENT, ENOTDIR; AppError `unsafePath` for a symbolic link */
  async #checkParents(parts: readonly string[]): Promise<void> {
    if (parts.length < 2) return;
    if (this.#known.has(parts.slice(0, -1).join('/'))) return;
    for (let length = 1; length < parts.length; length++) await this.#checkFolder(parts.slice(0, length));
  }

  async #checkFolder(parts: readonly string[]): Promise<void> {
    const key = parts.join('/');
    if (parts.length === 0 || this.#known.has(key)) return;
    const { type } = await this.#fileSystem.stat(this.hostPath(parts));
    if (type === 'link') {
      throw new AppError('unsafePath', `a symbolic link stands in the backup: ${JSON.stringify(key)}`, {
        details: { path: key },
      });
    }
    if (type !== 'directory') throw systemError('ENOTDIR', key);
    if (this.#known.size >= MAX_KNOWN_FOLDERS) this.#known.clear();
    this.#known.add(key);
  }

  async #ensureFolder(parts: readonly string[]): Promise<void> {
    if (parts.length === 0 || this.#known.has(parts.join('/'))) return;
    for (let length = 1; length <= parts.length; length++) {
      const folder = parts.slice(0, length);
      try {
        await this.#checkFolder(folder);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
        await this.#makeFolder(folder);
        await this.#checkFolder(folder);
      }
    }
  }

  async #makeFolder(parts: readonly string[]): Promise<void> {
    try {
      await this.#fileSystem.makeDirectory(this.hostPath(parts));
    } catch (error) {
      // Another write made it at the same time.
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }

  async #statOrNothing(path: string): Promise<FileStat | undefined> {
    try {
      return await this.#fileSystem.stat(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #copyFolder(source: readonly string[], target: readonly string[]): Promise<void> {
    await this.#claim(target);
    await this.#ensureFolder(target);
    await this.#checkFolder(source);
    for (const { name, type } of await this.#fileSystem.readDirectory(this.hostPath(source))) {
      if (type === 'directory') await this.#copyFolder([...source, name], [...target, name]);
      else if (type === 'file') await this.#copyFile([...source, name], [...target, name]);
    }
  }

  async #copyFile(source: readonly string[], target: readonly string[]): Promise<void> {
    await using reader = await openStoreReader(this.#fileSystem, this.hostPath(source));
    await pumpAll(reader, await this.create(target.join('/')));
  }
}

function keyOf(parts: readonly string[]): number {
  return nameHash(parts.join('/'));
}
