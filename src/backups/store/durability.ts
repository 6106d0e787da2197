import { walkFiles, type BackupTree } from './backupTree';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import type { HashIndex } from './hashIndex';

/** More at once gain nothing: Node has four threads for it. */
const AT_ONCE = 8;

/**
 * Everything in these folders survives a power loss. One order to the whole file system where there is one; else what
 * `written` knows to be new, or everything, is flushed file by file.
 */
export async function makeDurable(
  fileSystem: FileSystem,
  folders: readonly string[],
  tree: BackupTree,
  written: HashIndex | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const [first] = folders;
  if (first === undefined || (await fileSystem.syncFileSystem(first))) return;
  for await (const files of walkFiles(tree, signal)) {
    await eachAtOnce(
      files.filter(({ name, stat }) => !written || written.find(name, stat)),
      ({ path }) => syncFile(fileSystem, path),
    );
  }
  for (const folder of folders) await syncFolders(fileSystem, folder);
}

/** A whole folder, file by file. */
export async function syncTree(fileSystem: FileSystem, folder: string): Promise<void> {
  if (await fileSystem.syncFileSystem(folder)) return;
  const visit = async (path: string): Promise<void> => {
    const entries = await fileSystem.readDirectory(path);
    await eachAtOnce(
      entries.filter(({ type }) => type === 'file'),
      ({ name }) => syncFile(fileSystem, `${path}/${name}`),
    );
    for (const { name, type } of entries) if (type === 'directory') await visit(`${path}/${name}`);
    await fileSystem.syncDirectory(path);
  };
  await visit(folder);
}

async function syncFolders(fileSystem: FileSystem, folder: string): Promise<void> {
  let entries;
  try {
    entries = await fileSystem.readDirectory(folder);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const { name, type } of entries) if (type === 'directory') await syncFolders(fileSystem, `${folder}/${name}`);
  await fileSystem.syncDirectory(folder);
}

async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await fileSystem.open(path, 'sync');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
