import path from 'node:path';
import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { isMissing, systemCode } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists, makeDirectories } from './folders';
import { readJournal, removeJournal, writeJournal, type CommitJournal } from './journal';
import { layoutOf, stageLayoutOf, versionName } from './layout';
import { mergeBack, mergeForward } from './mergeOverlay';
import { renameBackup } from './renameBackup';
import { emptyTrash, moveToTrash } from './trash';

/** Where a commit has led. */
export interface Committed {
  /** The new finished backup. */
  readonly path: string;
  /** The one before, if it was kept. */
  readonly version?: string;
}

/**
 * Carries out what the journal says, from wherever it stands: a crash at any point and a second call lead to the same
 * end. Renames only: it needs no room on the disk.
 */
export async function completeCommit(
  fileSystem: FileSystem,
  folder: string,
  journal: CommitJournal,
  log: Log,
): Promise<Committed> {
  const { udid } = journal;
  const version = journal.kind === 'swap' ? await swap(fileSystem, folder, journal) : undefined;
  if (journal.kind === 'merge') await mergeForward({ fileSystem, folder, udid });
  // The new backup stands. What fails from here on is tidying, which recovery repeats.
  try {
    await fileSystem.syncDirectory(folder);
    await placeSidecar(fileSystem, folder, journal);
    await removeJournal(fileSystem, folder, udid);
    await discardStaging(fileSystem, folder, udid);
    await emptyTrash(fileSystem, folder, log);
  } catch (error) {
    log.warn(`the commit of ${udid} is to be tidied up later: ${String(error)}`);
  }
  return { path: layoutOf(folder).finished(udid), ...(version !== undefined && { version }) };
}

/**
 * The staging folder goes to the trash.
 * @throws AppError `backupInUse` while the finished backup lies in it, in the middle of a merge
 */
export async function discardStaging(fileSystem: FileSystem, folder: string, udid: string): Promise<void> {
  const partial = layoutOf(folder).partial(udid);
  if (await exists(fileSystem, stageLayoutOf(partial, udid).base)) {
    throw new AppError('backupInUse', `${partial} holds a finished backup`, { details: { path: partial } });
  }
  await moveToTrash(fileSystem, folder, partial);
}

/** Undoes what completeCommit() could not finish: the finished backup is in its place again, and so is the staged one. */
export async function undoCommit(fileSystem: FileSystem, folder: string, decided: CommitJournal): Promise<void> {
  // Carrying it out may have had to choose another name.
  const journal = (await readJournal(fileSystem, folder, decided.udid)) ?? decided;
  const { udid, versionName: name } = journal;
  const { finished, partial } = layoutOf(folder);
  if (journal.kind === 'merge') {
    await mergeBack({ fileSystem, folder, udid });
  } else if (!(await exists(fileSystem, finished(udid))) && name !== undefined) {
    await renameBackup(fileSystem, path.join(folder, name), finished(udid));
  } else if (!(await exists(fileSystem, stageLayoutOf(partial(udid), udid).backup))) {
    // It is done: only the tidying failed, which recovery repeats.
    return;
  }
  if (name !== undefined) await unmarkAutomatic(fileSystem, folder, name);
  await removeJournal(fileSystem, folder, udid);
}

/** A name in Finder's manner that nobody has: the second is counted up until it is free. */
export async function freeVersionName(
  fileSystem: FileSystem,
  folder: string,
  udid: string,
  date: Date,
): Promise<string> {
  for (let time = date.getTime(); ; time += 1000) {
    const name = versionName(udid, new Date(time));
    if (!(await exists(fileSystem, path.join(folder, name)))) return name;
  }
}

/** Retention may remove only what a commit has put aside. */
export async function markAutomatic(fileSystem: FileSystem, folder: string, name: string): Promise<void> {
  const { automatic } = layoutOf(folder);
  await makeDirectories(fileSystem, automatic);
  try {
    await (await fileSystem.open(path.join(automatic, name), 'create')).close();
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

export async function unmarkAutomatic(fileSystem: FileSystem, folder: string, name: string): Promise<void> {
  try {
    await fileSystem.removeFile(path.join(layoutOf(folder).automatic, name));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function swap(fileSystem: FileSystem, folder: string, journal: CommitJournal): Promise<string | undefined> {
  const { udid, versionName: name } = journal;
  const { finished, partial } = layoutOf(folder);
  const staged = stageLayoutOf(partial(udid), udid).backup;
  let version = name;
  if (await exists(fileSystem, staged)) {
    if (await exists(fileSystem, finished(udid))) {
      // Between a crash and now another program may have taken the name, or the place of the finished one.
      const taken = name === undefined || (await exists(fileSystem, path.join(folder, name)));
      version = taken ? await freeVersionName(fileSystem, folder, udid, new Date()) : name;
      // Whoever undoes this must find the backup by the name that it really gets.
      if (taken) await writeJournal(fileSystem, folder, { ...journal, versionName: version });
      await markAutomatic(fileSystem, folder, version);
      await renameBackup(fileSystem, finished(udid), path.join(folder, version));
    }
    await renameBackup(fileSystem, staged, finished(udid));
  }
  if (version === undefined) return undefined;
  const place = path.join(folder, version);
  return (await exists(fileSystem, place)) ? place : undefined;
}

async function placeSidecar(
  fileSystem: FileSystem,
  folder: string,
  { udid, sidecar: id }: CommitJournal,
): Promise<void> {
  if (id === undefined) return;
  const { sidecars, partial } = layoutOf(folder);
  await makeDirectories(fileSystem, sidecars(udid));
  try {
    await fileSystem.rename(stageLayoutOf(partial(udid), udid).sidecar, path.join(sidecars(udid), id));
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await fileSystem.syncDirectory(sidecars(udid));
}
