import { createHash } from 'node:crypto';
import { throwIfAborted } from '../../base/abort';
import type { FileSystem } from './fileSystem';
import { writeFully } from './writeFully';

const PIECE_BYTES = 1024 * 1024;

/** In hex; SHA-256 unless told otherwise. */
export async function hashFile(
  fileSystem: FileSystem,
  file: string,
  signal?: AbortSignal,
  algorithm: 'sha256' | 'sha1' = 'sha256',
): Promise<string> {
  const hash = createHash(algorithm);
  const opened = await fileSystem.open(file, 'read');
  try {
    const { sizeBytes } = await opened.stat();
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(sizeBytes, 1)));
    for (let count = await opened.read(buffer); count > 0; count = await opened.read(buffer)) {
      hash.update(buffer.subarray(0, count));
      throwIfAborted(signal);
    }
  } finally {
    await opened.close();
  }
  return hash.digest('hex');
}

/** A copy with blocks of its own: damage to one does not reach the other. @returns SHA-256 of what was read, in hex */
export async function copyPlainly(
  fileSystem: FileSystem,
  from: string,
  to: string,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const source = await fileSystem.open(from, 'read');
  try {
    const { sizeBytes } = await source.stat();
    const target = await fileSystem.open(to, 'create');
    try {
      const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(sizeBytes, 1)));
      for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
        hash.update(buffer.subarray(0, count));
        await writeFully(fileSystem, target, buffer.subarray(0, count), to);
        throwIfAborted(signal);
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return hash.digest('hex');
}
