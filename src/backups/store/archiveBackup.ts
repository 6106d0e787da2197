import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { silentLog, type Log } from '../../base/log';
import { folderTree } from './backupTree';
import { freeVersionName } from './commit';
import { lockBackup, lockName } from './deleteBackup';
import { diskFailure } from './diskErrors';
import { syncTree } from './durability';
import type { FileSystem } from './fileSystem';
import { findSidecar } from './findSidecar';
import { makeDirectories, removeTree } from './folders';
import { HashLog } from './hashLog';
import { layoutOf } from './layout';
import { nodeFileSystem } from './nodeFileSystem';
import { readBackupDate } from './readBackupDate';
import { findSharing, seedBackup } from './seed';
import { verifyCopy } from './verifyCopy';
import { writeSidecar } from './writeSidecar';

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  readonly fileSystem?: FileSystem | undefined;
  /** Files so far, now and then. */
  readonly onProgress?: ((files: number) => void) | undefined;
}

/**
 * Keeps a backup under Finder's name for an archive: no later backup and no retention touches it. Shares its files with
 * the original where the disk can, else copies them.
 * @returns the archive's folder
 * @throws AppError `notABackup`, `backupInUse`, `hostDiskFull`, `cancelled` …
 */
export async function archiveBackup(backup: string, options: CopyOptions = {}): Promise<string> {
  const { fileSystem = nodeFileSystem(), signal } = options;
  const folder = path.dirname(backup);
  try {
    const { lock, summary } = await lockBackup(fileSystem, backup, signal);
    try {
      const udid = lockName(summary);
      const name = await freeVersionName(fileSystem, folder, udid, await readBackupDate(fileSystem, backup));
      return await duplicate(fileSystem, backup, path.join(folder, name), udid, options);
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw diskFailure(error, { doing: 'archive', path: backup, writing: true });
  }
}

export interface DuplicateOptions extends CopyOptions {
  /** Plain copies only, each compared with what is known of it. */
  readonly verify?: boolean;
}

/** Makes the folder `target`, whole or not at all, with a sidecar of its own. Under the locks of both folders. */
export async function duplicate(
  fileSystem: FileSystem,
  backup: string,
  target: string,
  udid: string,
  { signal, log = silentLog, onProgress, verify = false }: DuplicateOptions,
): Promise<string> {
  const folder = path.dirname(target);
  const { building, sidecars } = layoutOf(folder);
  const work = path.join(building, `${udid}.${randomBytes(6).toString('hex')}`);
  await makeDirectories(fileSystem, work);
  try {
    const sharing = verify ? undefined : await findSharing(fileSystem, work, 'links');
    const previous = (await findSidecar(fileSystem, backup))?.path;
    const hashes = new HashLog(fileSystem, path.join(work, 'hashes'), log);
    const copy = path.join(work, 'backup');
    await seedBackup({
      fileSystem,
      from: backup,
      to: copy,
      by: sharing ?? 'copies',
      log,
      signal,
      hashes,
      previous,
      verify,
      onProgress,
    });
    const written = await hashes.index();
    await hashes.close();
    const sidecar = path.join(work, 'sidecar');
    const meta = await writeSidecar(sidecar, {
      fileSystem,
      tree: folderTree(fileSystem, copy),
      udid,
      name: path.basename(target),
      written,
      ...(previous !== undefined && { previous }),
      ...(signal && { signal }),
    });
    await syncTree(fileSystem, work, signal);
    if (verify) await verifyCopy(fileSystem, copy, sidecar, signal);
    await makeDirectories(fileSystem, sidecars(udid));
    await fileSystem.rename(sidecar, path.join(sidecars(udid), meta.id));
    await fileSystem.rename(copy, target);
    await fileSystem.syncDirectory(folder);
    return target;
  } finally {
    await removeTree(fileSystem, work).catch((error: unknown) => log.warn(`left in ${work}: ${String(error)}`));
  }
}
