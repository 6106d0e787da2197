import { abortable } from '../../base/abort';
import { walkFiles, type BackupTree } from './backupTree';
import type { FileSystem } from './fileSystem';
import type { HashIndex } from './hashIndex';

/** More at once gain nothing: Node has four threads for it. */
const AT_ONCE = 8;

export interface Durable {
  readonly fileSystem: FileSystem;
  /** The staging folder. */
  readonly folder: string;
  /** Our notes in it, all of them new. */
  readonly notes: string;
  readonly tree: BackupTree;
  /** Which files of the tree are new; without it, any may be. */
  readonly written?: HashIndex | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The whole staging folder survives a power loss. One order to the whole file system where there is one; else the new
 * files are flushed one by one, and all folders.
 */
export async function makeDurable({ fileSystem, folder, notes, tree, written, signal }: Durable): Promise<void> {
  if (await abortable(fileSystem.syncFileSystem(folder, signal), signal)) return;
  for await (const files of walkFiles(tree, signal)) {
    await eachAtOnce(
      files.filter(({ name, stat }) => !written || written.find(name, stat)),
      ({ path }) => syncFile(fileSystem, path),
    );
  }
  await syncFiles(fileSystem, notes);
  await syncFolders(fileSystem, folder);
}

/** A whole folder. @throws AppError `cancelled` at once, however long the disk takes */
export async function syncTree(fileSystem: FileSystem, folder: string, signal?: AbortSignal): Promise<void> {
  if (await abortable(fileSystem.syncFileSystem(folder, signal), signal)) return;
  await syncFiles(fileSystem, folder);
  await syncFolders(fileSystem, folder);
}

async function syncFiles(fileSystem: FileSystem, folder: string): Promise<void> {
  const entries = await fileSystem.readDirectory(folder);
  await eachAtOnce(
    entries.filter(({ type }) => type === 'file'),
    ({ name }) => syncFile(fileSystem, `${folder}/${name}`),
  );
  for (const { name, type } of entries) if (type === 'directory') await syncFiles(fileSystem, `${folder}/${name}`);
}

async function syncFolders(fileSystem: FileSystem, folder: string): Promise<void> {
  for (const { name, type } of await fileSystem.readDirectory(folder)) {
    if (type === 'directory') await syncFolders(fileSystem, `${folder}/${name}`);
  }
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
