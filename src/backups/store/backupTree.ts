import { throwIfAborted } from '../../base/abort';
import { isMissing } from './diskErrors';
import type { DirectoryEntryStat, FileStat, FileSystem } from './fileSystem';

/** A whole backup to look through, wherever its parts lie. */
export interface BackupTree {
  /** One level; a missing folder is empty. @param folder Names inside the backup; `[]` is its top */
  entries(folder: readonly string[]): Promise<readonly TreeEntry[]>;
}

export interface TreeEntry extends DirectoryEntryStat {
  /** Absolute. */
  readonly path: string;
}

export interface TreeFile {
  /** Inside the backup: `Manifest.db`, `ab/ab…`. */
  readonly file: string;
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly stat: FileStat;
}

export function folderTree(fileSystem: FileSystem, backup: string): BackupTree {
  return {
    async entries(folder) {
      const path = [backup, ...folder].join('/');
      try {
        const entries = await fileSystem.readDirectoryStats(path);
        // Written out: a spread of a million entries takes as long as asking the disk for them.
        return entries.map((entry) => ({
          name: entry.name,
          type: entry.type,
          sizeBytes: entry.sizeBytes,
          modifiedMs: entry.modifiedMs,
          inode: entry.inode,
          device: entry.device,
          links: entry.links,
          allocatedBytes: entry.allocatedBytes,
          path: `${path}/${entry.name}`,
        }));
      } catch (error) {
        if (isMissing(error)) return [];
        throw error;
      }
    },
  };
}

/**
 * All files, a folder at a time, always in the same order (compareFiles): first the files of a folder, then its folders.
 * Links and the like are left out. Memory: one folder.
 */
export async function* walkFiles(
  tree: BackupTree,
  signal?: AbortSignal,
  folder: readonly string[] = [],
): AsyncGenerator<readonly TreeFile[]> {
  throwIfAborted(signal);
  const entries = [...(await tree.entries(folder))].sort((one, other) => compareNames(one.name, other.name));
  const prefix = folder.map((name) => `${name}/`).join('');
  const files: TreeFile[] = [];
  for (const entry of entries) {
    if (entry.type === 'file')
      files.push({ file: prefix + entry.name, name: entry.name, path: entry.path, stat: entry });
  }
  if (files.length > 0) yield files;
  for (const entry of entries) {
    if (entry.type === 'directory') yield* walkFiles(tree, signal, [...folder, entry.name]);
  }
}

/** The order in which walkFiles gives files. */
export function compareFiles(one: string, other: string): number {
  if (one === other) return 0;
  const [left, right] = [one.split('/'), other.split('/')];
  for (let index = 0; ; index++) {
    const [leftEnds, rightEnds] = [index === left.length - 1, index === right.length - 1];
    if (leftEnds !== rightEnds) return leftEnds ? -1 : 1;
    const order = compareNames(left[index]!, right[index]!);
    if (order !== 0 || leftEnds) return order;
  }
}

function compareNames(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
