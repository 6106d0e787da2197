import { randomBytes } from 'node:crypto';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { writeFully } from './writeFully';

/** Our own notes are small; what is bigger is not ours. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The whole of a small file; undefined if it is not there. @throws a system error; EFBIG above `maxBytes` */
export async function readSmallFile(
  fileSystem: FileSystem,
  path: string,
  maxBytes = MAX_BYTES,
): Promise<Buffer | undefined> {
  let file;
  try {
    file = await fileSystem.open(path, 'read');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { sizeBytes, type } = await file.stat();
    if (type !== 'file') throw Object.assign(new Error(`EISDIR: '${path}' is no file`), { code: 'EISDIR' });
    if (sizeBytes > maxBytes)
      throw Object.assign(new Error(`EFBIG: '${path}' has ${sizeBytes} bytes`), { code: 'EFBIG' });
    const bytes = Buffer.alloc(sizeBytes);
    let length = 0;
    while (length < bytes.length) {
      const count = await file.read(bytes.subarray(length));
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** The file appears whole and durable, or what was there stays: new inode, fsync, rename, fsync of the folder. */
export async function replaceSmallFile(
  fileSystem: FileSystem,
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await fileSystem.open(temporary, 'create');
    try {
      await writeFully(fileSystem, file, bytes, temporary);
      await file.sync();
    } finally {
      await file.close();
    }
    await fileSystem.rename(temporary, path);
  } catch (error) {
    await fileSystem.removeFile(temporary).catch(() => {});
    throw error;
  }
  await fileSystem.syncDirectory(path.replace(/[\\/][^\\/]*$/, ''));
}

/** What JSON.parse gives, unknown to us; undefined for a missing file or one that is no JSON (torn by a crash). */
export async function readJson(fileSystem: FileSystem, path: string): Promise<unknown> {
  const bytes = await readSmallFile(fileSystem, path);
  if (!bytes) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
