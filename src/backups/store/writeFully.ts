import { AppError } from '../../base/errors';
import { systemCode } from './diskErrors';
import type { FileSystem, OpenFile } from './fileSystem';

/**
 * Writes every byte. On a nearly full disk a write may take less than it was given and report no error; the next one
 * tells why.
 * @throws AppError `hostDiskFull` with what was needed and is free; any other system error as it comes
 */
export async function writeFully(
  fileSystem: FileSystem,
  file: OpenFile,
  bytes: Uint8Array,
  path: string,
): Promise<void> {
  let done = 0;
  try {
    while (done < bytes.length) {
      const count = await file.write(done === 0 ? bytes : bytes.subarray(done));
      if (count <= 0)
        throw Object.assign(new Error(`ENOSPC: 0 of ${bytes.length - done} bytes were written`), { code: 'ENOSPC' });
      done += count;
    }
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw await diskFull(fileSystem, error, path, bytes.length - done);
  }
}

function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

async function diskFull(fileSystem: FileSystem, cause: unknown, path: string, neededBytes: number): Promise<AppError> {
  const freeBytes = await fileSystem.freeSpace(path).catch(() => undefined);
  return new AppError('hostDiskFull', `no room for ${neededBytes} more bytes`, {
    cause,
    details: { path, neededBytes, ...(freeBytes === undefined ? {} : { freeBytes }) },
  });
}
