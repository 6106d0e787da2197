import path from 'node:path';
import { AppError } from '../../base/errors';
import { silentLog, type Log } from '../../base/log';
import { listBackups } from '../catalogue/listBackups';
import type { BackupSummary } from '../types';
import { unmarkAutomatic } from './commit';
import { diskFailure } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { findSidecar } from './findSidecar';
import { lockFolder, type FolderLock } from './folderLock';
import { labelOfDeparting } from './labels';
import { nodeFileSystem } from './nodeFileSystem';
import { isUdid } from './pathInside';
import { emptyTrash, moveToTrash } from './trash';

export interface DeleteOptions {
  /** Also if it is the only finished backup of its device in its folder. */
  readonly evenIfOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  readonly fileSystem?: FileSystem | undefined;
}

/**
 * Removes a backup and what is kept about it. It disappears in one step; what it leaves is removed then, or at the next
 * recover(). Files that other versions share stay theirs.
 * @throws AppError `notABackup`, `onlyGoodBackup`, `backupInUse`, `folderNotWritable` …
 */
export async function deleteBackup(backup: string, options: DeleteOptions = {}): Promise<void> {
  await deleteBackupIf(backup, () => Promise.resolve(true), options);
}

/**
 * The same, if a last look says that it may go. It is taken under the lock: nothing that our own programs do can come
 * between.
 * @returns whether it went
 */
export async function deleteBackupIf(
  backup: string,
  mayGo: () => Promise<boolean>,
  options: DeleteOptions = {},
): Promise<boolean> {
  const { fileSystem = nodeFileSystem(), log = silentLog, signal } = options;
  const folder = path.dirname(backup);
  try {
    const { lock, summary, others } = await lockBackup(fileSystem, backup, signal);
    try {
      const alone = summary.state === 'finished' && !others.some(({ state }) => state === 'finished');
      if (alone && !options.evenIfOnly) {
        throw new AppError('onlyGoodBackup', `${backup} is the only finished backup of its device there`, {
          details: { path: backup },
        });
      }
      if (!(await mayGo())) return false;
      await removeBackup(fileSystem, backup, others);
    } finally {
      await lock.release();
    }
    await emptyTrash(fileSystem, folder, log, signal);
    return true;
  } catch (error) {
    throw diskFailure(error, { doing: 'delete', path: backup, writing: true });
  }
}

export interface LockedBackup {
  readonly lock: FolderLock;
  readonly summary: BackupSummary;
  /** Other backups of the same device in the same folder. */
  readonly others: readonly BackupSummary[];
}

/** @throws AppError `notABackup`, `backupInUse` */
export async function lockBackup(
  fileSystem: FileSystem,
  backup: string,
  signal: AbortSignal | undefined,
): Promise<LockedBackup> {
  const folder = path.dirname(backup);
  const look = async () => {
    const { backups } = await listBackups([{ path: folder, kind: 'added' }], { fileSystem, signal });
    const summary = backups.find(({ path: place }) => place === backup);
    if (!summary) throw new AppError('notABackup', `${backup} is no backup`, { details: { path: backup } });
    return { summary, others: backups.filter((other) => other !== summary && other.udid === summary.udid) };
  };
  const before = await look();
  const lock = await lockFolder({ fileSystem, folder, udid: lockName(before.summary), signal });
  try {
    // What was true before the lock need not be: somebody may just have removed the only other good one.
    const now = await look();
    if (lockName(now.summary) === lockName(before.summary)) return { lock, ...now };
    throw new AppError('backupInUse', `${backup} is another device's now`, { details: { path: backup } });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export function lockName({ udid }: BackupSummary): string {
  return udid !== undefined && isUdid(udid) ? udid : 'unknown-device';
}

/** Under the lock. The backup first: what is kept about it is of use as long as it is there. */
export async function removeBackup(
  fileSystem: FileSystem,
  backup: string,
  others: readonly BackupSummary[],
): Promise<void> {
  const folder = path.dirname(backup);
  const sidecar = await findSidecar(fileSystem, backup);
  const takeLabel = await labelOfDeparting(fileSystem, backup);
  await moveToTrash(fileSystem, folder, backup);
  await takeLabel();
  await fileSystem.syncDirectory(folder);
  await unmarkAutomatic(fileSystem, folder, path.basename(backup));
  if (!sidecar) return;
  for (const other of others) {
    if ((await findSidecar(fileSystem, other.path))?.path === sidecar.path) return;
  }
  await moveToTrash(fileSystem, folder, sidecar.path);
}
