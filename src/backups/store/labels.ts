import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../base/errors';
import { diskFailure } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists, makeDirectories } from './folders';
import { layoutOf } from './layout';
import { nodeFileSystem } from './nodeFileSystem';
import { likeness, readPrints, type BackupPrints } from './sidecar';
import { readJson, replaceSmallFile } from './smallFiles';

/** Names that people gave to backups of one folder. */
export interface Labels {
  /** @param backup Absolute path */
  of(backup: string): Promise<string | undefined>;
}

interface LabelEntry {
  /** The folder's name when the label was given: commits and people rename it. */
  readonly name: string;
  readonly prints: BackupPrints;
  readonly label: string;
}

const MAX_LABEL = 200;

/** @throws a system error */
export async function readLabels(fileSystem: FileSystem, folder: string): Promise<Labels> {
  const entries = await readEntries(fileSystem, folder);
  return {
    async of(backup) {
      return entries.length === 0 ? undefined : (await findEntry(fileSystem, backup, entries))?.label;
    },
  };
}

/**
 * Gives a backup a name of one's own; an empty one takes it away. It stays with the backup when a commit renames it.
 * @throws AppError `folderNotWritable`, `notABackup`
 */
export async function labelBackup(
  backup: string,
  label: string,
  fileSystem: FileSystem = nodeFileSystem(),
): Promise<void> {
  const folder = path.dirname(backup);
  try {
    if (!(await exists(fileSystem, backup)))
      throw new AppError('notABackup', `${backup} is not there`, { details: { path: backup } });
    const entries = await readEntries(fileSystem, folder);
    const old = await findEntry(fileSystem, backup, entries);
    const text = label.trim().slice(0, MAX_LABEL);
    if (text === '' && !old) return;
    const others = entries.filter((entry) => entry !== old);
    const added: LabelEntry[] =
      text === '' ? [] : [{ name: path.basename(backup), prints: await readPrints(fileSystem, backup), label: text }];
    const { own, labels } = layoutOf(folder);
    await makeDirectories(fileSystem, own);
    await replaceSmallFile(fileSystem, labels, JSON.stringify([...others, ...added], undefined, 1));
  } catch (error) {
    throw diskFailure(error, { doing: 'label', path: folder, writing: true });
  }
}

/**
 * Looks up a backup's label while the backup is there.
 * @returns takes it away, once the backup is gone for good
 */
export async function labelOfDeparting(fileSystem: FileSystem, backup: string): Promise<() => Promise<void>> {
  const folder = path.dirname(backup);
  const entries = await readEntries(fileSystem, folder);
  const old = entries.length === 0 ? undefined : await findEntry(fileSystem, backup, entries);
  return async () => {
    if (!old) return;
    const left = (await readEntries(fileSystem, folder)).filter((entry) => !isDeepStrictEqual(entry, old));
    await replaceSmallFile(fileSystem, layoutOf(folder).labels, JSON.stringify(left, undefined, 1));
  };
}

/** By content, since names change; by name among several that are alike, such as an archive and what it was made of. */
async function findEntry(
  fileSystem: FileSystem,
  backup: string,
  entries: readonly LabelEntry[],
): Promise<LabelEntry | undefined> {
  const prints = await readPrints(fileSystem, backup);
  const name = path.basename(backup);
  const alike = entries.filter((entry) => likeness(entry.prints, prints) > 0);
  const mine = alike.find((entry) => entry.name === name);
  if (mine) return mine;
  for (const entry of alike) {
    // It belongs to the one that still has the name, if that is alike as well.
    const named = path.join(path.dirname(backup), entry.name);
    if (!(await exists(fileSystem, named)) || likeness(entry.prints, await readPrints(fileSystem, named)) === 0)
      return entry;
  }
  return undefined;
}

async function readEntries(fileSystem: FileSystem, folder: string): Promise<readonly LabelEntry[]> {
  const value = await readJson(fileSystem, layoutOf(folder).labels);
  if (!Array.isArray(value)) return [];
  return (value as Partial<LabelEntry>[]).filter(
    (entry): entry is LabelEntry =>
      typeof entry?.name === 'string' && typeof entry.label === 'string' && typeof entry.prints === 'object',
  );
}
