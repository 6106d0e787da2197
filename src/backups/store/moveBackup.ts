import path from 'node:path';
import { AppError } from '../../base/errors';
import { silentLog } from '../../base/log';
import { measureBackup } from '../catalogue/measureBackup';
import { duplicate, type CopyOptions } from './archiveBackup';
import { availableSpace } from './availableSpace';
import { lockBackup, lockName, removeBackup } from './deleteBackup';
import { diskFailure, isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists } from './folders';
import { lockFolder } from './folderLock';
import { labelBackup, readLabels } from './labels';
import { nodeFileSystem } from './nodeFileSystem';
import { isSameFolder, liesWithin } from './samePlace';
import { emptyTrash } from './trash';

/**
 * Moves a backup to another folder of backups: copied, synced, read again and compared, and only then removed here. Its
 * name and label stay. Stopped half way, either the original is still there or the copy is whole.
 * @returns its new place
 * @throws AppError `notABackup`, `backupInUse`, `backupExists`, `hostDiskFull`, `fileDamaged`, `cancelled` …
 */
export async function moveBackup(backup: string, toFolder: string, options: CopyOptions = {}): Promise<string> {
  const { fileSystem = nodeFileSystem(), signal, log = silentLog } = options;
  const folder = path.dirname(backup);
  const target = path.join(path.resolve(toFolder), path.basename(backup));
  try {
    await refuseItself(fileSystem, backup, target, toFolder);
    const { lock, summary, others } = await lockBackup(fileSystem, backup, signal);
    try {
      await using targetLock = await lockTarget(fileSystem, path.dirname(target), lockName(summary), signal);
      if (await exists(fileSystem, target))
        throw new AppError('backupExists', `${target} is there already`, { details: { path: target } });
      await refuseStrangers(fileSystem, backup);
      await refuseFullDisk(fileSystem, backup, path.dirname(target), signal);
      const label = await (await readLabels(fileSystem, folder)).of(backup);
      await duplicate(fileSystem, backup, target, lockName(summary), { ...options, verify: true });
      if (label !== undefined) await labelBackup(target, label, fileSystem);
      await targetLock.check();
      await removeBackup(fileSystem, backup, others);
    } finally {
      await lock.release();
    }
    await emptyTrash(fileSystem, folder, log);
    return target;
  } catch (error) {
    throw diskFailure(error, { doing: 'move', path: backup, writing: true });
  }
}

/** The copy would be made within what is copied, or be the original that is removed then. */
async function refuseItself(fileSystem: FileSystem, backup: string, target: string, toFolder: string): Promise<void> {
  const to = path.dirname(target);
  const leadsBack = async () => {
    try {
      return (await isSameFolder(fileSystem, to, path.dirname(backup))) || (await liesWithin(fileSystem, to, backup));
    } catch (error) {
      // What is not there is told by what comes next.
      if (isMissing(error)) return false;
      throw error;
    }
  };
  if (target === backup || target.startsWith(backup + path.sep) || (await leadsBack())) {
    throw new AppError('notAllowed', `${backup} cannot be moved to ${toFolder}`, { details: { path: toFolder } });
  }
}

async function lockTarget(fileSystem: FileSystem, folder: string, udid: string, signal: AbortSignal | undefined) {
  if (!(await exists(fileSystem, folder)))
    throw new AppError('folderMissing', `${folder} is not there`, { details: { path: folder } });
  const lock = await lockFolder({ fileSystem, folder, udid, signal });
  return { check: () => lock.check(), [Symbol.asyncDispose]: () => lock.release() };
}

/** What cannot be copied would be lost. */
async function refuseStrangers(fileSystem: FileSystem, folder: string): Promise<void> {
  for (const { name, type } of await fileSystem.readDirectory(folder)) {
    const place = path.join(folder, name);
    if (type === 'directory') await refuseStrangers(fileSystem, place);
    else if (type !== 'file') throw new AppError('unsafePath', `${place} is a ${type}`, { details: { path: place } });
  }
}

async function refuseFullDisk(
  fileSystem: FileSystem,
  backup: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { bytes: neededBytes } = await measureBackup(backup, { fileSystem, signal });
  const freeBytes = await availableSpace(fileSystem, folder);
  if (freeBytes > neededBytes) return;
  throw new AppError('hostDiskFull', `${neededBytes} bytes needed, ${freeBytes} free`, {
    details: { path: folder, neededBytes, freeBytes },
  });
}
