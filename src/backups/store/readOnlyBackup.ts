import path from 'node:path';
import { AppError } from '../../base/errors';
import type { BackupStore, StoreEntry } from '../../device';
import { diskFailure, isMissing, systemError } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists } from './folders';
import { nodeFileSystem } from './nodeFileSystem';
import { hostPath, isUdid, splitDevicePath } from './pathInside';
import { openStoreReader } from './storeReader';
import { storeEntry } from './storeEntry';

export interface ReadOnlyBackupOptions {
  /** The backup's folder, whatever its name. */
  readonly path: string;
  /** The name that a device will use for it: the source identifier. */
  readonly udid: string;
  readonly fileSystem?: FileSystem | undefined;
}

/**
 * A finished backup for a device to read from, as `<udid>/`. Nothing is written anywhere: every change is refused with
 * `notAllowed`. Links are not followed.
 * @throws AppError `notABackup`, `noPermission`, `diskError`; `unsafePath` if the UDID is none
 */
export async function openReadOnlyBackup(options: ReadOnlyBackupOptions): Promise<BackupStore> {
  const { path: folder, udid, fileSystem = nodeFileSystem() } = options;
  if (!isUdid(udid)) throw new AppError('unsafePath', `no UDID: ${JSON.stringify(udid)}`, { details: { path: udid } });
  try {
    if (await exists(fileSystem, path.join(folder, 'Manifest.plist')))
      return new ReadOnlyBackup(folder, udid, fileSystem);
  } catch (error) {
    throw diskFailure(error, { doing: 'open the backup', path: folder });
  }
  throw new AppError('notABackup', `${folder} has no Manifest.plist`, { details: { path: folder } });
}

class ReadOnlyBackup implements BackupStore {
  /** Folders inside that have been looked at. */
  readonly #folders = new Set<string>();

  constructor(
    private readonly folder: string,
    private readonly udid: string,
    private readonly fileSystem: FileSystem,
  ) {}

  async openRead(devicePath: string) {
    return openStoreReader(this.fileSystem, await this.#place(devicePath));
  }

  async list(devicePath: string): Promise<readonly StoreEntry[]> {
    if (splitDevicePath(devicePath, this.udid).length === 0) {
      return [storeEntry({ name: this.udid, ...(await this.fileSystem.stat(this.folder)), type: 'directory' })];
    }
    try {
      return (await this.fileSystem.readDirectoryStats(await this.#place(devicePath))).map(storeEntry);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  freeSpace(): Promise<number> {
    return this.fileSystem.freeSpace(this.folder);
  }

  writeFile = refuse;
  create = refuse;
  makeDirectory = refuse;
  move = refuse;
  remove = refuse;
  copy = refuse;

  /** @throws ENOENT, ELOOP for a link on the way */
  async #place(devicePath: string): Promise<string> {
    const [first, ...inside] = splitDevicePath(devicePath, this.udid);
    if (first !== this.udid) throw systemError('ENOENT', devicePath);
    for (let depth = 1; depth < inside.length; depth += 1) {
      const above = hostPath(this.folder, inside.slice(0, depth));
      if (this.#folders.has(above)) continue;
      const { type } = await this.fileSystem.stat(above);
      if (type !== 'directory') throw systemError(type === 'link' ? 'ELOOP' : 'ENOTDIR', devicePath);
      this.#folders.add(above);
    }
    return hostPath(this.folder, inside);
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new AppError('notAllowed', 'a backup that is restored is only read'));
}
