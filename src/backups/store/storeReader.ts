import type { StoreReader, StoreWriter } from '../../device';
import { systemError } from './diskErrors';
import type { FileSystem } from './fileSystem';

const PIECE_BYTES = 1024 * 1024;

/** @throws ENOENT, EISDIR, ELOOP for a symbolic link */
export async function openStoreReader(fileSystem: FileSystem, path: string): Promise<StoreReader> {
  // Windows opens links and folders in its own ways; asking first gives one answer everywhere.
  const { type: there } = await fileSystem.stat(path);
  if (there === 'directory') throw systemError('EISDIR', path);
  if (there === 'link') throw systemError('ELOOP', path);
  const file = await fileSystem.open(path, 'read');
  try {
    const { type, sizeBytes } = await file.stat();
    if (type === 'directory') throw systemError('EISDIR', path);
    if (type !== 'file') throw systemError('EINVAL', path);
    return {
      sizeBytes,
      async read(buffer) {
        let length = 0;
        while (length < buffer.length) {
          const count = await file.read(length === 0 ? buffer : buffer.subarray(length));
          if (count === 0) break;
          length += count;
        }
        return length;
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Everything from one into the other; commits, or aborts and throws. */
export async function pumpAll(reader: StoreReader, writer: StoreWriter): Promise<void> {
  try {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(reader.sizeBytes, 1)));
    for (let count = await reader.read(buffer); count > 0; count = await reader.read(buffer)) {
      await writer.write(buffer.subarray(0, count));
    }
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.commit();
}
