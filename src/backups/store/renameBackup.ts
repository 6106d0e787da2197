import { AppError } from '../../base/errors';
import { systemCode } from './diskErrors';
import type { FileSystem } from './fileSystem';

/**
 * Renames a whole backup within its folder. Windows refuses that while any program holds a file in it, with the same
 * code as for a missing permission; that we may write there is known by then.
 * @throws AppError `backupInUse` with `details.heldOpen`; else what the disk says
 */
export async function renameBackup(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fileSystem.rename(from, to);
  } catch (error) {
    const code = systemCode(error);
    const held = code === 'EBUSY' || (process.platform === 'win32' && (code === 'EPERM' || code === 'EACCES'));
    if (!held) throw error;
    throw new AppError('backupInUse', `${from} cannot be renamed (${code}): a program holds a file in it`, {
      cause: error,
      details: { path: from, heldOpen: true },
    });
  }
}
