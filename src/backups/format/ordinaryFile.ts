import fs from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../base/errors';

/** A pipe that somebody planted must not hang us, nor a link lead us out of the backup. */
const READ_ONLY = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of a backup for reading.
 * @throws AppError `backupDamaged` for a link, a folder or a pipe; Node system errors
 */
export function openOrdinaryFile(file: string): { readonly fd: number; readonly size: number } {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, READ_ONLY);
    return { fd, size: sizeOf(fs.fstatSync(fd), file) };
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    throw worded(error, file);
  }
}

/**
 * All of a file of a backup.
 * @throws AppError `backupDamaged` above `maxBytes`, and as openOrdinaryFile(); Node system errors
 */
export async function readOrdinaryFile(file: string, maxBytes: number): Promise<Buffer> {
  try {
    await using handle = await open(file, READ_ONLY);
    const size = sizeOf(await handle.stat(), file);
    if (size > maxBytes) throw damaged(file, `has ${size} bytes`);
    return await handle.readFile();
  } catch (error) {
    throw worded(error, file);
  }
}

function sizeOf(stat: fs.Stats, file: string): number {
  if (!stat.isFile()) throw damaged(file, 'is no ordinary file');
  return stat.size;
}

function worded(error: unknown, file: string): unknown {
  // FreeBSD says EMLINK for a link.
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ELOOP' || code === 'EMLINK' ? damaged(file, 'is no ordinary file') : error;
}

function damaged(file: string, what: string): AppError {
  const name = path.basename(file);
  return new AppError('backupDamaged', `${name} ${what}`, { details: { file: name } });
}
