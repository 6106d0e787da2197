import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError } from '../../base/errors';
import { hashFile } from './contents';
import type { FileSystem } from './fileSystem';
import { readSidecar } from './sidecar';

/**
 * Reads every file of a copy again and compares it with the hash of what was read from the original.
 * @throws AppError `fileDamaged` for the first that differs
 */
export async function verifyCopy(
  fileSystem: FileSystem,
  copy: string,
  sidecar: string,
  signal?: AbortSignal,
): Promise<void> {
  for await (const entries of readSidecar(fileSystem, sidecar)) {
    for (const { file, sha256 } of entries) {
      throwIfAborted(signal);
      if ((await hashFile(fileSystem, path.join(copy, file), signal)) === sha256) continue;
      throw new AppError('fileDamaged', `the copy of ${file} differs from the original`, { details: { file } });
    }
  }
}
