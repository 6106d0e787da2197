import path from 'node:path';
import type { FileSystem } from './fileSystem';

/** Whether two existing folders are one, whatever names, links or spellings lead there. @throws ENOENT … */
export async function isSameFolder(fileSystem: FileSystem, one: string, other: string): Promise<boolean> {
  const [real, otherReal] = await Promise.all([fileSystem.realPath(one), fileSystem.realPath(other)]);
  return isSame(fileSystem, real, otherReal);
}

/** Whether an existing place is in an existing folder, or is it; by what it is, not by its name. @throws ENOENT … */
export async function liesWithin(fileSystem: FileSystem, place: string, folder: string): Promise<boolean> {
  const [real, folderReal] = await Promise.all([fileSystem.realPath(place), fileSystem.realPath(folder)]);
  for (let at = real; ; at = path.dirname(at)) {
    if (await isSame(fileSystem, at, folderReal)) return true;
    if (at === path.dirname(at)) return false;
  }
}

/** Real paths tell links and, where the system says so, spellings; the numbers tell what is mounted at two places. */
async function isSame(fileSystem: FileSystem, one: string, other: string): Promise<boolean> {
  if (one === other) return true;
  const [a, b] = await Promise.all([fileSystem.stat(one), fileSystem.stat(other)]);
  // Numbers of NTFS lose their lowest bits, and some file systems have none.
  return a.inode !== 0 && Number.isSafeInteger(a.inode) && a.inode === b.inode && a.device === b.device;
}
