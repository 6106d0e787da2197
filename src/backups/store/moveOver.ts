import { isMissing, systemCode } from './diskErrors';
import type { FileStat, FileSystem } from './fileSystem';
import { removeTree } from './folders';

/** How systems say that a folder stands where a file is to go. */
const NOT_REPLACED = new Set(['EISDIR', 'EEXIST', 'ENOTEMPTY', 'EPERM', 'EACCES']);

/**
 * What nearly all moves are; only for a file that has no other name.
 * @returns false if something stands there that a file cannot replace
 */
export async function renameFile(fileSystem: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fileSystem.rename(from, to);
    return true;
  } catch (error) {
    if (NOT_REPLACED.has(systemCode(error) ?? '')) return false;
    throw error;
  }
}

/** Moves whatever it is, over whatever stands there, files and whole folders. @param known Of `from`, if it was asked for */
export async function moveOver(fileSystem: FileSystem, from: string, to: string, known?: FileStat): Promise<void> {
  const stat = known ?? (await fileSystem.stat(from));
  const replaced = await statOrNothing(fileSystem, to);
  const same = replaced?.inode === stat.inode && replaced.device === stat.device;
  // Two names of one file: rename() would leave both.
  if (same && stat.links > 1 && stat.type === 'file') return fileSystem.removeFile(from);
  const folders = stat.type === 'directory' || replaced?.type === 'directory';
  // Unless a folder is only renamed to another case.
  if (folders && replaced && !(same && replaced.type === 'directory')) await removeTree(fileSystem, to);
  await fileSystem.rename(from, to);
}

async function statOrNothing(fileSystem: FileSystem, path: string): Promise<FileStat | undefined> {
  try {
    return await fileSystem.stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
