import { throwIfAborted } from '../../base/abort';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';

/** Makes the folder and those above it. An existing folder is fine. */
export async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return;
    const parent = path.replace(/[\\/]+[^\\/]*$/, '');
    if (code !== 'ENOENT' || parent === '' || parent === path) throw error;
    await makeDirectories(fileSystem, parent);
    await makeDirectories(fileSystem, path);
  }
}

/** A file or a whole folder; links are removed, not followed. A missing one is fine. Memory: one folder at a time. */
export async function removeTree(fileSystem: FileSystem, path: string, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  let type;
  try {
    ({ type } = await fileSystem.stat(path));
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (type !== 'directory') return removeIfThere(fileSystem, path);
  for (const entry of await fileSystem.readDirectory(path)) {
    if (entry.type === 'directory') await removeTree(fileSystem, `${path}/${entry.name}`, signal);
    else await removeIfThere(fileSystem, `${path}/${entry.name}`);
  }
  try {
    await fileSystem.removeDirectory(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.removeFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

export async function exists(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
