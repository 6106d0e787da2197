import { AppError } from '../../base/errors';
import type { BackupStore, StoreEntry, StoreReader, StoreWriter } from '../../device';
import { diskError, isMissing, systemError } from './diskErrors';
import type { TreeEntry } from './backupTree';
import type { DirectoryEntryStat, FileStat, FileSystem } from './fileSystem';
import type { FolderStore } from './folderStore';
import type { NameGuard } from './nameGuard';
import { hostPath } from './pathInside';
import { isWithin } from './pathParts';
import type { Removals } from './removals';
import { storeEntry } from './storeEntry';
import { openStoreReader, pumpAll } from './storeReader';

export interface OverlayStoreOptions {
  readonly fileSystem: FileSystem;
  /** The finished backup; only ever read. */
  readonly base: string;
  readonly udid: string;
  /** Takes everything that is written. */
  readonly layer: FolderStore;
  readonly removals: Removals;
  readonly guard?: NameGuard;
}

/**
 * A finished backup that seems to change: what is written goes to a layer, what is removed is noted, and all else is
 * read from the backup itself. For file systems without links, and for restores, where a device writes beside what it
 * reads.
 */
export class OverlayStore implements BackupStore {
  readonly #fileSystem: FileSystem;
  readonly #base: string;
  readonly #udid: string;
  readonly #layer: FolderStore;
  readonly #removals: Removals;
  readonly #guard: NameGuard | undefined;

  constructor(options: OverlayStoreOptions) {
    this.#fileSystem = options.fileSystem;
    this.#base = options.base;
    this.#udid = options.udid;
    this.#layer = options.layer;
    this.#removals = options.removals;
    this.#guard = options.guard;
  }

  async openRead(path: string): Promise<StoreReader> {
    const parts = this.#layer.split(path);
    if (await this.#layer.stat(parts)) return this.#layer.openRead(path);
    return this.#worded('open', path, async () => {
      if (await this.#baseStat(parts)) return openStoreReader(this.#fileSystem, this.#basePath(parts));
      await this.#checkParents(parts);
      throw systemError('ENOENT', path);
    });
  }

  async writeFile(path: string, content: Uint8Array): Promise<void> {
    await this.#prepareTarget(path);
    await this.#layer.writeFile(path, content);
  }

  async create(path: string): Promise<StoreWriter> {
    await this.#prepareTarget(path);
    return this.#layer.create(path);
  }

  async list(path: string): Promise<readonly StoreEntry[]> {
    const parts = this.#layer.split(path);
    const stat = await this.#stat(parts);
    if (stat && stat.type !== 'directory') throw systemError('ENOTDIR', path);
    if (parts.length === 0) {
      const base = await this.#baseStat([this.#udid]);
      const inLayer = (await this.#layer.list('')).filter((entry) => !base || entry.name !== this.#udid);
      return base ? [...inLayer, storeEntry({ name: this.#udid, ...base })] : inLayer;
    }
    return this.#worded('list', path, async () => (await this.entries(parts)).map(storeEntry));
  }

  /** Like list, with what the disk tells and where each one lies. @param parts Beginning with the UDID */
  async entries(parts: readonly string[]): Promise<readonly TreeEntry[]> {
    const entries = new Map<string, TreeEntry>();
    for (const [path, found] of [
      [this.#basePath(parts), await this.#baseEntries(parts)],
      [this.#layer.hostPath(parts), await this.#layerEntries(parts)],
    ] as const) {
      for (const entry of found) entries.set(entry.name, { ...entry, path: `${path}/${entry.name}` });
    }
    return [...entries.values()];
  }

  async makeDirectory(path: string): Promise<void> {
    const parts = this.#layer.split(path);
    await this.#worded('make the folder', path, async () => {
      await this.#checkParents(parts);
      const there = await this.#stat(parts);
      if (there && there.type !== 'directory') throw systemError('ENOTDIR', path);
      await this.#claim(parts);
    });
    await this.#layer.makeDirectory(path);
  }

  async move(from: string, to: string): Promise<void> {
    const source = this.#target(from);
    const target = this.#target(to);
    await this.#worded('move', from, async () => {
      const stat = await this.#stat(source);
      if (!stat) throw systemError('ENOENT', from);
      if (source.join('/') === target.join('/')) return;
      if (isWithin(target, source) || isWithin(source, target)) throw systemError('EINVAL', to);
      await this.#checkParents(target);
      await this.#claim(target);
      const replaced = await this.#stat(target);
      if (replaced && (replaced.type === 'directory' || stat.type === 'directory')) await this.remove(to);
      await this.#moveItem(source, target, stat);
    });
  }

  async remove(path: string): Promise<void> {
    const parts = this.#target(path);
    await this.#worded('remove', path, async () => {
      if (await this.#baseStat(parts)) await this.#removals.add(parts.slice(1));
      await this.#layer.remove(path);
    });
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#layer.split(from);
    const target = this.#target(to);
    await this.#worded('copy', from, async () => {
      const stat = await this.#stat(source);
      if (!stat) throw systemError('ENOENT', from);
      if (source.join('/') === target.join('/')) return;
      if (isWithin(target, source) || isWithin(source, target)) throw systemError('EINVAL', to);
      if (stat.type === 'directory') await this.remove(to);
      await this.#copyItem(source, target, stat.type);
    });
  }

  freeSpace(): Promise<number> {
    return this.#layer.freeSpace();
  }

  /** Where the file lies on this computer; undefined if there is none. @param parts Beginning with the UDID */
  async locate(parts: readonly string[]): Promise<string | undefined> {
    if (await this.#layer.stat(parts)) return this.#layer.hostPath(parts);
    return (await this.#baseStat(parts)) ? this.#basePath(parts) : undefined;
  }

  async #moveItem(source: readonly string[], target: readonly string[], stat: FileStat): Promise<void> {
    const inBase = await this.#baseStat(source);
    if (!inBase) return this.#layer.move(source.join('/'), target.join('/'));
    if (stat.type === 'directory') {
      await this.#layer.makeDirectory(target.join('/'));
      for (const entry of await this.list(source.join('/'))) {
        const child = [...source, entry.name];
        const childStat = await this.#stat(child);
        if (childStat) await this.#moveItem(child, [...target, entry.name], childStat);
      }
    } else if (await this.#layer.stat(source)) {
      await this.#layer.move(source.join('/'), target.join('/'));
    } else {
      await this.#copyItem(source, target, stat.type);
    }
    await this.remove(source.join('/'));
  }

  async #copyItem(
    source: readonly string[],
    target: readonly string[],
    type: FileStat['type'] | StoreEntry['type'],
  ): Promise<void> {
    if (type === 'directory') {
      await this.makeDirectory(target.join('/'));
      for (const entry of await this.list(source.join('/'))) {
        await this.#copyItem([...source, entry.name], [...target, entry.name], entry.type);
      }
    } else if (type === 'file') {
      await using reader = await this.openRead(source.join('/'));
      await pumpAll(reader, await this.create(target.join('/')));
    }
  }

  #target(path: string): readonly string[] {
    const parts = this.#layer.split(path);
    if (parts.length === 0 || (parts.length === 1 && parts[0] === this.#udid)) {
      throw new AppError('unsafePath', `refused ${JSON.stringify(path)}: it is the backup itself`, {
        details: { path },
      });
    }
    return parts;
  }

  /** What the layer alone cannot know: that a folder above is a file in the backup, or the target a folder. */
  async #prepareTarget(path: string): Promise<void> {
    const parts = this.#target(path);
    await this.#worded('write', path, async () => {
      await this.#checkParents(parts);
      if ((await this.#stat(parts))?.type === 'directory') throw systemError('EISDIR', path);
      await this.#claim(parts);
    });
  }

  async #checkParents(parts: readonly string[]): Promise<void> {
    for (let length = 2; length < parts.length; length++) {
      const folder = parts.slice(0, length);
      if ((await this.#layer.stat(folder))?.type === 'directory') continue;
      const stat = await this.#baseStat(folder);
      if (stat?.type === 'link') throw aLink(folder);
      if (stat && stat.type !== 'directory') throw systemError('ENOTDIR', folder.join('/'));
    }
  }

  async #claim(parts: readonly string[]): Promise<void> {
    await this.#guard?.claim(parts, (parent) =>
      parent[0] === this.#udid && !this.#removals.hides(parent.slice(1))
        ? [this.#layer.hostPath(parent), this.#basePath(parent)]
        : [this.#layer.hostPath(parent)],
    );
  }

  async #stat(parts: readonly string[]): Promise<FileStat | undefined> {
    return (await this.#layer.stat(parts)) ?? (await this.#baseStat(parts));
  }

  /** In the finished backup and not hidden by a removal or by a file of the layer above it. */
  async #baseStat(parts: readonly string[]): Promise<FileStat | undefined> {
    const [first, ...inside] = parts;
    if (first !== this.#udid || this.#removals.hides(inside)) return undefined;
    try {
      for (let length = 1; length < inside.length; length++) {
        const folder = parts.slice(0, length + 1);
        const inLayer = await this.#layer.stat(folder);
        if (inLayer && inLayer.type !== 'directory') return undefined;
        const { type } = await this.#fileSystem.stat(this.#basePath(folder));
        if (type === 'link') throw aLink(folder);
        if (type !== 'directory') return undefined;
      }
      return await this.#fileSystem.stat(this.#basePath(parts));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #baseEntries(parts: readonly string[]): Promise<readonly DirectoryEntryStat[]> {
    if ((await this.#baseStat(parts))?.type !== 'directory') return [];
    const entries = await this.#fileSystem.readDirectoryStats(this.#basePath(parts));
    return entries.filter((entry) => !this.#removals.hides([...parts.slice(1), entry.name]));
  }

  async #layerEntries(parts: readonly string[]): Promise<readonly DirectoryEntryStat[]> {
    if ((await this.#layer.stat(parts))?.type !== 'directory') return [];
    return this.#fileSystem.readDirectoryStats(this.#layer.hostPath(parts));
  }

  #basePath(parts: readonly string[]): string {
    return hostPath(this.#base, parts.slice(1));
  }

  async #worded<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskError(error, { doing, path, writing: doing !== 'open' });
    }
  }
}

function aLink(parts: readonly string[]): AppError {
  const path = parts.join('/');
  return new AppError('unsafePath', `a symbolic link stands in the backup: ${JSON.stringify(path)}`, {
    details: { path },
  });
}
