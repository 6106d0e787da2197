import path from 'node:path';
import { isAppError, isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import { completeCommit, discardStaging, undoCommit } from './commit';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { exists } from './folders';
import { lockFolder, type LockTiming } from './folderLock';
import { readJournal, removeJournal, type CommitJournal } from './journal';
import { layoutOf, udidOfPartial, stageLayoutOf } from './layout';
import { mergeBack } from './mergeOverlay';
import { nodeFileSystem } from './nodeFileSystem';
import { readStageNotes } from './stageNotes';
import { emptyTrash, moveToTrash } from './trash';

export interface RecoverOptions {
  readonly fileSystem?: FileSystem;
  readonly signal?: AbortSignal | undefined;
  readonly lockTiming?: LockTiming;
}

/**
 * Puts a folder of backups in order after whatever has happened: completes decided commits, or undoes those that cannot
 * be completed; removes half-seeded stagings and what was on its way out. What it does depends on the folder alone, and
 * doing it again changes nothing. Devices that a living process works on are left to it. Never fails for one device
 * because of another; a folder that is not ours or not there is left as it is.
 */
export async function recover(folder: string, log: Log, options: RecoverOptions = {}): Promise<void> {
  const { fileSystem = nodeFileSystem(), signal } = options;
  const { own } = layoutOf(folder);
  let names: readonly string[];
  try {
    names = (await fileSystem.readDirectory(own)).map((entry) => entry.name);
  } catch (error) {
    if (!isMissing(error)) log.warn(`cannot look into ${own}: ${String(error)}`);
    return;
  }
  const udids = new Set([
    ...names.map((name) => /^([^.]+)\.(?:journal|lock)\b/.exec(name)?.[1]),
    ...(await namesIn(fileSystem, layoutOf(folder).building)).map((name) => name.split('.')[0]),
    ...(await namesIn(fileSystem, folder)).map(udidOfPartial),
  ]);
  for (const udid of udids) {
    if (udid === undefined || signal?.aborted) continue;
    try {
      const lock = await lockFolder({ fileSystem, folder, udid, signal, timing: options.lockTiming });
      try {
        await recoverDevice(fileSystem, folder, udid, log);
      } finally {
        await lock.release();
      }
    } catch (error) {
      if (isCancellation(error)) log.debug(`recovering ${udid} was cancelled`);
      else if (isAppError(error, 'backupInUse')) log.debug(`${udid} is being worked on`);
      else log.error(`could not recover ${udid} in ${folder}: ${String(error)}`);
    }
  }
  await emptyTrash(fileSystem, folder, log, signal);
}

/** Under the device's lock. @throws what the disk says; the journal then stays for the next time */
export async function recoverDevice(fileSystem: FileSystem, folder: string, udid: string, log: Log): Promise<void> {
  const { own, partial, finished, building } = layoutOf(folder);
  const stage = stageLayoutOf(partial(udid), udid);
  const notes = await readStageNotes(fileSystem, stage.notes);
  const journal = await readJournal(fileSystem, folder, udid);
  // A staging folder that came after the commit is another matter.
  if (journal && notes && notes.createdAt !== journal.stage) await removeJournal(fileSystem, folder, udid);
  else if (journal) await settle(fileSystem, folder, journal, log);
  else if ((await exists(fileSystem, stage.base)) && !(await exists(fileSystem, finished(udid)))) {
    log.warn(`a merge of ${udid} has lost its journal; it is undone`);
    await mergeBack({ fileSystem, folder, udid });
  }
  const temporary = new RegExp(`^${udid}\\..*\\.tmp$`);
  for (const { name } of await fileSystem.readDirectory(own)) {
    if (temporary.test(name)) await fileSystem.removeFile(path.join(own, name)).catch(() => {});
  }
  for (const name of await namesIn(fileSystem, building)) {
    if (name.startsWith(`${udid}.`)) await moveToTrash(fileSystem, folder, path.join(building, name));
  }
  if (!notes?.ready) await discardStaging(fileSystem, folder, udid);
}

async function settle(fileSystem: FileSystem, folder: string, journal: CommitJournal, log: Log): Promise<void> {
  log.info(`completing the commit of ${journal.udid} in ${folder}`);
  try {
    await completeCommit(fileSystem, folder, journal, log);
  } catch (error) {
    log.warn(`it cannot be completed, so it is undone: ${String(error)}`);
    await undoCommit(fileSystem, folder, journal);
  }
}

async function namesIn(fileSystem: FileSystem, folder: string): Promise<readonly string[]> {
  try {
    return (await fileSystem.readDirectory(folder)).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
