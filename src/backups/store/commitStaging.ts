import { isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import type { BackupTree } from './backupTree';
import { completeCommit, freeVersionName, undoCommit, type Committed } from './commit';
import { makeDurable } from './durability';
import type { FileSystem } from './fileSystem';
import { findSidecar } from './findSidecar';
import { exists, removeTree } from './folders';
import type { HashLog } from './hashLog';
import { writeJournal, type CommitJournal } from './journal';
import { layoutOf, stageLayoutOf } from './layout';
import { prepareMerge } from './mergeOverlay';
import { readBackupDate } from './readBackupDate';
import type { StageNotes } from './stageNotes';
import { writeSidecar } from './writeSidecar';

/** One staging, for all that is done to it. */
export interface StagingWork {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  readonly udid: string;
  readonly signal: AbortSignal | undefined;
  readonly log: Log;
}

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStage?: ((stage: 'checking' | 'hashing' | 'committing') => void) | undefined;
}

/** Everything that needs time or room, before anything changes. */
export async function prepareCommit(
  work: StagingWork,
  notes: StageNotes,
  { staged, seen }: { readonly staged: BackupTree; readonly seen: BackupTree },
  hashes: HashLog,
  hashesWhole: boolean,
  options: CommitOptions,
): Promise<CommitJournal> {
  const { fileSystem, folder, udid } = work;
  const { finished, partial } = layoutOf(folder);
  const index = await hashes.index();
  options.onStage?.('hashing');
  const sidecar = await tryWriteSidecar(work, seen, index, options.signal);
  const kind = notes.mode === 'overlay' ? 'merge' : 'swap';
  if (kind === 'merge') await prepareMerge({ fileSystem, folder, udid });
  await makeDurable({
    fileSystem,
    folder: partial(udid),
    notes: stageLayoutOf(partial(udid), udid).stage,
    tree: staged,
    written: hashesWhole && hashes.whole ? index : undefined,
    signal: options.signal,
  });
  const before = kind === 'swap' && (await exists(fileSystem, finished(udid)));
  return {
    version: 1,
    kind,
    udid,
    stage: notes.createdAt,
    ...(before && {
      versionName: await freeVersionName(fileSystem, folder, udid, await readBackupDate(fileSystem, finished(udid))),
    }),
    ...(sidecar !== undefined && { sidecar }),
  };
}

/** A backup without a sidecar is a good backup: what fails here is said in the log. */
async function tryWriteSidecar(
  work: StagingWork,
  tree: BackupTree,
  written: Awaited<ReturnType<HashLog['index']>>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { fileSystem, folder, udid, log } = work;
  const { finished, partial } = layoutOf(folder);
  const { sidecar } = stageLayoutOf(partial(udid), udid);
  try {
    await removeTree(fileSystem, sidecar);
    const previous = (await exists(fileSystem, finished(udid)))
      ? (await findSidecar(fileSystem, finished(udid)))?.path
      : undefined;
    const meta = await writeSidecar(sidecar, {
      fileSystem,
      tree,
      udid,
      name: udid,
      written,
      ...(previous !== undefined && { previous }),
      ...(signal && { signal }),
    });
    return meta.id;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`no hashes are kept for this backup: ${String(error)}`);
    await removeTree(fileSystem, sidecar).catch(() => {});
    return undefined;
  }
}

/** From here on it is either finished, now or at the next start, or undone. */
export async function carryOut({ fileSystem, folder, log }: StagingWork, journal: CommitJournal): Promise<Committed> {
  try {
    await writeJournal(fileSystem, folder, journal);
    return await completeCommit(fileSystem, folder, journal, log);
  } catch (error) {
    log.warn(`the commit is undone: ${String(error)}`);
    await undoCommit(fileSystem, folder, journal).catch((failure: unknown) => {
      log.error(`that failed too; the next start tries again: ${String(failure)}`);
    });
    throw error;
  }
}
