import path from 'node:path';
import { folderTree, walkFiles } from './backupTree';
import { isMissing, systemError } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists, makeDirectories, removeTree } from './folders';
import { layoutOf, stageLayoutOf } from './layout';
import { openLineWriter, readLines } from './lines';
import { readRemovals } from './removals';

/**
 * Where files cannot be shared, a new backup is made of the finished one by renames: what it replaces or removes goes
 * to `undo`, what is new comes from the layer. Meanwhile the backup lies in `.stage/base`, so that nobody takes the
 * mixture for a backup. Every step can be repeated after a crash, and all of it can be undone.
 */
export interface Merge {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  readonly udid: string;
}

/** Notes what the layer brings: needed to undo. Call before the journal is written. */
export async function prepareMerge({ fileSystem, folder, udid }: Merge): Promise<void> {
  const { finished, partial } = layoutOf(folder);
  const stage = stageLayoutOf(partial(udid), udid);
  await removeTree(fileSystem, stage.incoming);
  const incoming = await openLineWriter(fileSystem, stage.incoming);
  try {
    for await (const files of walkFiles(folderTree(fileSystem, stage.backup))) {
      for (const { file } of files) await incoming.write(`f${JSON.stringify(file)}`);
    }
    for await (const made of newFolders(fileSystem, stage.backup, finished(udid)))
      await incoming.write(`d${JSON.stringify(made)}`);
  } finally {
    await incoming.close();
  }
}

/** Completes the merge, from wherever it stands. */
export async function mergeForward({ fileSystem, folder, udid }: Merge): Promise<void> {
  const { finished, partial } = layoutOf(folder);
  const stage = stageLayoutOf(partial(udid), udid);
  if (!(await exists(fileSystem, stage.base))) {
    if (!(await exists(fileSystem, finished(udid)))) throw systemError('ENOENT', finished(udid));
    await fileSystem.rename(finished(udid), stage.base);
    await fileSystem.syncDirectory(folder);
  }
  for (const removed of await readRemovals(fileSystem, stage.removed)) {
    await setAside(fileSystem, path.join(stage.base, removed), path.join(stage.undo, removed));
  }
  for await (const folderOfLayer of folders(fileSystem, stage.backup)) {
    await makeDirectories(fileSystem, path.join(stage.base, folderOfLayer));
    for (const { name, type } of await fileSystem.readDirectory(path.join(stage.backup, folderOfLayer))) {
      if (type === 'directory') continue;
      const file = path.join(folderOfLayer, name);
      await setAside(fileSystem, path.join(stage.base, file), path.join(stage.undo, file));
      await fileSystem.rename(path.join(stage.backup, file), path.join(stage.base, file));
    }
    await fileSystem.syncDirectory(path.join(stage.base, folderOfLayer));
  }
  await fileSystem.rename(stage.base, finished(udid));
}

/** Puts the finished backup back as it was and the layer too. */
export async function mergeBack({ fileSystem, folder, udid }: Merge): Promise<void> {
  const { finished, partial } = layoutOf(folder);
  const stage = stageLayoutOf(partial(udid), udid);
  if (!(await exists(fileSystem, stage.base))) {
    if (!(await exists(fileSystem, stage.undo)) && (await exists(fileSystem, finished(udid)))) return;
    await fileSystem.rename(finished(udid), stage.base);
  }
  const madeFolders: string[] = [];
  for await (const lines of readLines(fileSystem, stage.incoming)) {
    for (const line of lines) {
      const file = JSON.parse(line.slice(1)) as string;
      if (line.startsWith('d')) madeFolders.push(file);
      else if (!(await exists(fileSystem, path.join(stage.backup, file)))) {
        await renameIfThere(fileSystem, path.join(stage.base, file), path.join(stage.backup, file));
      }
    }
  }
  for (const made of madeFolders.reverse())
    await fileSystem.removeDirectory(path.join(stage.base, made)).catch(() => {});
  await bringBack(fileSystem, stage.undo, stage.base);
  await fileSystem.rename(stage.base, finished(udid));
  await fileSystem.syncDirectory(folder);
}

/** Once is enough: what is in `undo` already is the old one, and what stands in its place the new one. */
async function setAside(fileSystem: FileSystem, item: string, undo: string): Promise<void> {
  if (!(await exists(fileSystem, item)) || (await exists(fileSystem, undo))) return;
  await makeDirectories(fileSystem, path.dirname(undo));
  await fileSystem.rename(item, undo);
}

async function bringBack(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  let entries;
  try {
    entries = await fileSystem.readDirectory(from);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const { name, type } of entries) {
    if (type === 'directory' && (await exists(fileSystem, path.join(to, name)))) {
      await bringBack(fileSystem, path.join(from, name), path.join(to, name));
      await fileSystem.removeDirectory(path.join(from, name));
    } else {
      await fileSystem.rename(path.join(from, name), path.join(to, name));
    }
  }
}

async function renameIfThere(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fileSystem.rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Folders of the layer, outer ones first; '' is its top. */
async function* folders(fileSystem: FileSystem, root: string, inside = ''): AsyncGenerator<string> {
  let entries;
  try {
    entries = await fileSystem.readDirectory(path.join(root, inside));
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  yield inside;
  for (const { name, type } of entries)
    if (type === 'directory') yield* folders(fileSystem, root, path.join(inside, name));
}

async function* newFolders(fileSystem: FileSystem, layer: string, base: string): AsyncGenerator<string> {
  for await (const folder of folders(fileSystem, layer)) {
    if (folder !== '' && !(await exists(fileSystem, path.join(base, folder)))) yield folder;
  }
}
