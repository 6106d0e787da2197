import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError, isCancellation } from '../../base/errors';
import { silentLog, type Log } from '../../base/log';
import type { BackupStore } from '../../device';
import { folderTree, type BackupTree } from './backupTree';
import { discardStaging, type Committed } from './commit';
import { carryOut, prepareCommit, type CommitOptions, type StagingWork } from './commitStaging';
import { diskFailure } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { findSidecar } from './findSidecar';
import { exists, makeDirectories, removeTree } from './folders';
import { lockFolder, type FolderLock, type LockTiming } from './folderLock';
import { FolderStore } from './folderStore';
import { HashLog } from './hashLog';
import { keepStaging } from './keepStaging';
import { layoutOf, stageLayoutOf } from './layout';
import { foldsNames, NameGuard } from './nameGuard';
import { nodeFileSystem } from './nodeFileSystem';
import { OverlayStore } from './overlayStore';
import { isUdid } from './pathInside';
import { recoverDevice } from './recover';
import { rememberTree } from './rememberedTree';
import { Removals } from './removals';
import { findSharing, seedBackup } from './seed';
import { readPrints } from './sidecar';
import {
  isFresh,
  isSameRun,
  readStageNotes,
  runOfComputer,
  writeStageNotes,
  type StageNotes,
  type StagingMode,
} from './stageNotes';
import { emptyTrash } from './trash';

export interface StagingOptions {
  /** Absolute; the backup's place is `<folder>/<UDID>`. Made if it is missing, its parent must be there. */
  readonly folder: string;
  readonly udid: string;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  readonly fileSystem?: FileSystem | undefined;
  /** Begin with nothing although there is a finished backup: for a full one. An interrupted full one is continued. */
  readonly empty?: boolean | undefined;
  /** Throw away what an interrupted one has left. */
  readonly fresh?: boolean | undefined;
  /** How to share files where the disk can do both. Reflinks where other programs write into the same folder. */
  readonly prefer?: 'links' | 'reflinks' | undefined;
  /** Files seeded so far. */
  readonly onSeeded?: ((files: number) => void) | undefined;
  readonly lockTiming?: LockTiming | undefined;
  /** How long suspend() waits for the disk; by default half a minute. */
  readonly keepLimitMs?: number | undefined;
}

/** The next backup of one device, while it is made. Exactly one of commit(), suspend() and discard() ends it. */
export interface Staging extends AsyncDisposable {
  readonly store: BackupStore;
  readonly mode: StagingMode;
  /** An interrupted one is continued. */
  readonly resumed: boolean;
  readonly staged: StagedBackup;
  /**
   * The staged backup takes the place of the finished one, which stays as a version.
   * @param check Says whether the staged one is a whole backup, by throwing if it is not
   * @throws what `check` throws, AppError `hostDiskFull` …: nothing has changed then, and suspend() or discard() ends it
   */
  commit(check: (staged: StagedBackup) => Promise<void>, options?: CommitOptions): Promise<Committed>;
  /** Keeps what is there for the next time. */
  suspend(): Promise<void>;
  /** Removes what is there. */
  discard(): Promise<void>;
}

/** The staged backup for those who check it. */
export interface StagedBackup extends BackupTree {
  readonly udid: string;
  /** Absolute path of a file, wherever it lies; undefined if there is none. @param file For example `Manifest.db` */
  locate(file: string): Promise<string | undefined>;
}

/**
 * Opens the one staging folder of this device in this folder of backups: continues an interrupted one, or begins anew
 * from the finished backup. Recovers first.
 * @throws AppError `backupInUse`, `folderMissing`, `folderNotWritable`, `hostDiskFull`, `cancelled` …
 */
export async function openStaging(options: StagingOptions): Promise<Staging> {
  const { folder, udid, signal, log = silentLog, fileSystem = nodeFileSystem() } = options;
  if (!isUdid(udid)) throw new AppError('unsafePath', `no UDID: ${JSON.stringify(udid)}`, { details: { path: udid } });
  const work = { fileSystem, folder: path.resolve(folder), udid, signal, log };
  throwIfAborted(signal);
  try {
    await openFolder(work);
    const lock = await lockFolder({ ...work, timing: options.lockTiming });
    try {
      await recoverDevice(fileSystem, work.folder, udid, log);
      await emptyTrash(fileSystem, work.folder, log, signal);
      return await openLocked(work, options, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw diskFailure(error, { doing: 'open the staging folder', path: folder, writing: true });
  }
}

async function openFolder({ fileSystem, folder }: StagingWork): Promise<void> {
  if (await exists(fileSystem, folder)) return;
  // A missing parent is more often a disk that is not there than a wish for a new tree of folders.
  if (!(await exists(fileSystem, path.dirname(folder)))) {
    throw new AppError('folderMissing', `neither ${folder} nor its parent is there`, { details: { path: folder } });
  }
  await makeDirectories(fileSystem, folder);
}

async function openLocked(work: StagingWork, options: StagingOptions, lock: FolderLock): Promise<Staging> {
  const { fileSystem, folder, udid } = work;
  const finished = (await hasFinished(work)) ? layoutOf(folder).finished(udid) : undefined;
  const stage = stageLayoutOf(layoutOf(folder).partial(udid), udid);
  const old = await readStageNotes(fileSystem, stage.notes);
  const resumed = old !== undefined && (await canResume(work, old, finished, options));
  if (!resumed && (await exists(fileSystem, layoutOf(folder).partial(udid)))) {
    work.log.info('the interrupted backup cannot be continued; a new one begins');
    await discardStaging(fileSystem, folder, udid);
    await emptyTrash(fileSystem, folder, work.log, work.signal);
  }
  const hashes = new HashLog(fileSystem, stage.hashes, work.log);
  const notes = resumed ? { ...old, unsyncedSince: runOfComputer() } : await begin(work, options, finished, hashes);
  if (resumed) {
    await removeTree(fileSystem, stage.temporary);
    await writeStageNotes(fileSystem, stage.notes, notes);
  }
  // A process that died may have lost the last notes about hashes.
  const hashesWhole = !resumed || old.unsyncedSince === undefined;
  return assemble(work, lock, notes, hashes, { resumed, hashesWhole, keepLimitMs: options.keepLimitMs });
}

async function hasFinished({ fileSystem, folder, udid }: StagingWork): Promise<boolean> {
  const finished = layoutOf(folder).finished(udid);
  if (!(await exists(fileSystem, finished))) return false;
  const { type } = await fileSystem.stat(finished);
  if (type === 'directory') return true;
  throw new AppError('unsafePath', `${finished} is a ${type}, not a folder`, { details: { path: finished } });
}

async function canResume(
  { fileSystem, folder, udid, log }: StagingWork,
  notes: StageNotes,
  finished: string | undefined,
  options: StagingOptions,
): Promise<boolean> {
  if (options.fresh || !notes.ready || (options.empty === true && notes.mode !== 'empty')) return false;
  if (!(await isFresh(fileSystem, notes, finished))) {
    log.info('the finished backup is another one since the interrupted one began');
    return false;
  }
  // We make no links there: somebody else has, and opening one would fail at every try.
  const { stage } = stageLayoutOf(layoutOf(folder).partial(udid), udid);
  if ((await fileSystem.readDirectory(stage)).some(({ type }) => type === 'link')) {
    log.warn('there is a link among the notes of the interrupted backup');
    return false;
  }
  // After a power loss, files that were only in memory may be empty.
  return notes.unsyncedSince === undefined || isSameRun(notes.unsyncedSince, runOfComputer());
}

async function begin(
  work: StagingWork,
  options: StagingOptions,
  finished: string | undefined,
  hashes: HashLog,
): Promise<StageNotes> {
  const { fileSystem, folder, udid, log, signal } = work;
  const partial = layoutOf(folder).partial(udid);
  const stage = stageLayoutOf(partial, udid);
  await makeDirectories(fileSystem, stage.temporary);
  const seed = finished === undefined ? undefined : await readPrints(fileSystem, finished);
  const sharing =
    finished === undefined || options.empty
      ? undefined
      : await findSharing(fileSystem, stage.stage, options.prefer ?? 'links');
  const notes: StageNotes = {
    version: 1,
    udid,
    mode: finished === undefined || options.empty ? 'empty' : (sharing ?? 'overlay'),
    ...(seed && { seed }),
    ready: false,
    unsyncedSince: runOfComputer(),
    createdAt: `${new Date().toISOString()} ${process.hrtime.bigint().toString(36)}`,
  };
  await writeStageNotes(fileSystem, stage.notes, notes);
  if (finished !== undefined && sharing !== undefined) {
    const previous = sharing === 'reflinks' ? (await findSidecar(fileSystem, finished))?.path : undefined;
    await seedBackup({
      fileSystem,
      from: finished,
      to: stage.backup,
      by: sharing,
      log,
      signal,
      hashes,
      previous,
      onProgress: options.onSeeded,
    });
  }
  const ready = { ...notes, ready: true };
  await writeStageNotes(fileSystem, stage.notes, ready);
  return ready;
}

async function assemble(
  work: StagingWork,
  lock: FolderLock,
  notes: StageNotes,
  hashes: HashLog,
  state: { readonly resumed: boolean; readonly hashesWhole: boolean; readonly keepLimitMs: number | undefined },
): Promise<Staging> {
  const { fileSystem, folder, udid, log } = work;
  const { finished, partial } = layoutOf(folder);
  const stage = stageLayoutOf(partial(udid), udid);
  const guard = (await foldsNames(fileSystem, stage.stage)) ? new NameGuard(fileSystem) : undefined;
  const layer = new FolderStore({
    fileSystem,
    root: partial(udid),
    udid,
    temporary: stage.temporary,
    hashes,
    // The overlay knows the names of both of its parts.
    ...(guard && notes.mode !== 'overlay' && { guard }),
  });
  const removals = await Removals.load(fileSystem, stage.removed);
  const overlay =
    notes.mode === 'overlay'
      ? new OverlayStore({ fileSystem, base: finished(udid), udid, layer, removals, ...(guard && { guard }) })
      : undefined;
  const staged = stagedBackup(fileSystem, stage.backup, udid, overlay);

  let ended = false;
  const closeNotes = async () => {
    await hashes.close();
    await removals.close();
  };
  const end = async () => {
    ended = true;
    await closeNotes();
  };
  const begun = () => {
    if (ended) throw new AppError('notAllowed', 'this staging has ended');
  };
  const suspend = async () => {
    if (ended) return;
    await end();
    try {
      await keepStaging({ fileSystem, folder: stage.stage, file: stage.notes, notes, log, limitMs: state.keepLimitMs });
    } finally {
      await lock.release();
    }
  };
  return {
    store: overlay ?? layer,
    mode: notes.mode,
    resumed: state.resumed,
    staged,
    async commit(check, options = {}) {
      begun();
      try {
        options.onStage?.('checking');
        const seen = rememberTree(staged);
        await check({ ...staged, ...seen.first });
        await hashes.flush();
        const trees = { staged, seen: seen.second };
        const journal = await prepareCommit(work, notes, trees, hashes, state.hashesWhole, options);
        throwIfAborted(options.signal);
        await lock.check();
        options.onStage?.('committing');
        // A folder in which a file is open can be neither moved (Windows) nor removed (FUSE, many network shares).
        await closeNotes();
        const committed = await carryOut(work, journal);
        ended = true;
        await lock.release();
        return committed;
      } catch (error) {
        throw diskFailure(error, { doing: 'commit', path: folder, writing: true });
      }
    },
    suspend,
    async discard() {
      begun();
      await end();
      try {
        await discardStaging(fileSystem, folder, udid);
        await emptyTrash(fileSystem, folder, log);
      } catch (error) {
        throw diskFailure(error, { doing: 'discard', path: folder, writing: true });
      } finally {
        await lock.release();
      }
    },
    [Symbol.asyncDispose]: suspend,
  };
}

function stagedBackup(
  fileSystem: FileSystem,
  backup: string,
  udid: string,
  overlay: OverlayStore | undefined,
): StagedBackup {
  const tree: BackupTree = overlay
    ? { entries: (inside) => overlay.entries([udid, ...inside]) }
    : folderTree(fileSystem, backup);
  return {
    udid,
    entries: (inside) => tree.entries(inside),
    async locate(file) {
      if (overlay) return overlay.locate([udid, ...file.split('/')]);
      const place = path.join(backup, file);
      return (await exists(fileSystem, place)) ? place : undefined;
    },
  };
}
