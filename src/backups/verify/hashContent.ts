import { createHash } from 'node:crypto';
import { isAppError } from '../../base/errors';
import { FileSource } from '../format/byteSource';
import { systemCode } from '../store/diskErrors';

/** Read and hashed at a time: about a millisecond on any computer. */
export const HASH_CHUNK = 1 << 20;
const HEAD = 16;

/** One stored file to read from end to end. Survives a message between threads, as does the result. */
export interface HashTask {
  /** Absolute. */
  readonly path: string;
  /** `none`: only whether all of it can be read. */
  readonly algorithm: 'sha256' | 'sha1' | 'none';
  /** Bytes: a file of another length is not read. */
  readonly expectedSize?: number;
}

export type HashResult =
  | {
      readonly ok: true;
      readonly size: number;
      /** Absent without an algorithm, and for a file of another length than expected. */
      readonly hex?: string;
      /** The first bytes as Latin-1. */
      readonly head: string;
    }
  /** The system's code, `ENOENT`, or `EINVAL` for what is no ordinary file (any more). */
  | { readonly ok: false; readonly code: string };

/** Steps of hashContent(): bytes read since the last one. Between two of them others can have their turn. */
export type HashSteps = Generator<number, HashResult>;

/** Reads a file a piece at a time. Never throws for what the disk says of the file. */
export function* hashContent(task: HashTask, buffer: Buffer): HashSteps {
  try {
    const source = new FileSource(task.path);
    try {
      const { size } = source;
      if (task.expectedSize !== undefined && task.expectedSize !== size) return { ok: true, size, head: '' };
      const hash = task.algorithm === 'none' ? undefined : createHash(task.algorithm);
      let head = '';
      for (let offset = 0; offset < size;) {
        const count = source.read(buffer.subarray(0, Math.min(buffer.length, size - offset)), offset);
        if (count === 0) break;
        if (offset === 0) head = buffer.toString('latin1', 0, Math.min(HEAD, count));
        hash?.update(buffer.subarray(0, count));
        offset += count;
        yield count;
      }
      return { ok: true, size, head, ...(hash && { hex: hash.digest('hex') }) };
    } finally {
      source.close();
    }
  } catch (error) {
    if (isAppError(error)) return { ok: false, code: 'EINVAL' };
    const code = systemCode(error);
    if (code === undefined) throw error;
    return { ok: false, code };
  }
}
