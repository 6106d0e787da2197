import { isDict, isPlistError, parsePlist, type PlistDict } from '../../plist';
import type { BackupStore } from './backupStore';

/** In bytes. Info.plist is the biggest, with the icons of all apps. */
const MAX_LENGTH = 128 * 1024 * 1024;

/** A property list of a backup; undefined if it is missing, or not what it should be. @throws what the store throws else. */
export async function readStorePlist(store: BackupStore, path: string): Promise<PlistDict | undefined> {
  let content: Buffer;
  try {
    await using reader = await store.openRead(path);
    if (reader.sizeBytes === 0 || reader.sizeBytes > MAX_LENGTH) return undefined;
    content = Buffer.alloc(reader.sizeBytes);
    let filled = 0;
    while (filled < content.length) {
      const count = await reader.read(content.subarray(filled));
      if (count === 0) return undefined;
      filled += count;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const value = parsePlist(content);
    return isDict(value) ? value : undefined;
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}
