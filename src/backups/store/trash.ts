import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Log } from '../../base/log';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { makeDirectories, removeTree } from './folders';
import { layoutOf } from './layout';
import { renameBackup } from './renameBackup';

/**
 * Takes something out of sight in one step; emptyTrash() then removes it, now or after a crash. A missing one is fine.
 * @returns where it is now
 * @throws AppError `backupInUse` on Windows, while a program holds a file in it
 */
export async function moveToTrash(fileSystem: FileSystem, folder: string, item: string): Promise<string | undefined> {
  const { trash } = layoutOf(folder);
  await makeDirectories(fileSystem, trash);
  const place = path.join(trash, `${path.basename(item).replace(/^\.+/, '')}.${randomBytes(6).toString('hex')}`);
  try {
    await renameBackup(fileSystem, item, place);
    return place;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Never fails: what cannot be removed now is tried again next time. */
export async function emptyTrash(
  fileSystem: FileSystem,
  folder: string,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  const { trash } = layoutOf(folder);
  try {
    for (const { name } of await fileSystem.readDirectory(trash)) {
      if (signal?.aborted) return;
      await removeTree(fileSystem, path.join(trash, name), signal);
    }
    await fileSystem.removeDirectory(trash);
  } catch (error) {
    if (!isMissing(error) && !signal?.aborted) log.warn(`left in ${trash}: ${String(error)}`);
  }
}
