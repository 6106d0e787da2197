import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { isCancellation } from '../../base/errors';
import { isMissing } from '../store/diskErrors';
import type { FileSystem } from '../store/fileSystem';
import { readLabels, type Labels } from '../store/labels';
import { nodeFileSystem } from '../store/nodeFileSystem';
import type { BackupSummary, CatalogueState, FolderState } from '../types';
import { folderStateOf } from './folderState';
import { findBackupFiles, readBackup, type BackupFiles } from './readBackup';

export interface CatalogueFolder {
  /** Absolute. */
  readonly path: string;
  readonly kind: FolderState['kind'];
}

export interface ListOptions {
  readonly fileSystem?: FileSystem | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What was read before, to be read again only where files have changed. Filled as a side effect. */
  readonly cache?: CatalogueCache | undefined;
  /** A disk that says nothing for so long counts as offline. */
  readonly patienceMs?: number | undefined;
}

/** By path of the backup. */
export type CatalogueCache = Map<string, { readonly print: string; readonly summary: BackupSummary }>;

/** More at once gain nothing: Node has four threads for the disk. */
const AT_ONCE = 8;
const PATIENCE_MS = 10_000;

/**
 * Every backup in these folders, of whatever program; reads only. A folder may also be a backup itself. System folders
 * that do not exist are left out; all others are told with their state.
 */
export async function listBackups(
  folders: readonly CatalogueFolder[],
  options: ListOptions = {},
): Promise<CatalogueState> {
  // Through the thread pool: a network disk that hangs must not stop everything else.
  const work = { ...options, fileSystem: options.fileSystem ?? nodeFileSystem({ direct: false }) };
  const listed = await Promise.all(folders.map((folder) => listPatiently(folder, work)));
  const seen = new Set<string>();
  const backups = listed
    .flatMap(({ backups: found }) => found)
    .filter(({ path: backup }) => !seen.has(backup) && seen.add(backup))
    .sort((one, other) => (other.date ?? '').localeCompare(one.date ?? '') || one.path.localeCompare(other.path));
  return {
    folders: listed.flatMap(({ state }) => (state.kind === 'system' && state.state === 'missing' ? [] : [state])),
    backups,
  };
}

type Listed = { readonly state: FolderState; readonly backups: readonly BackupSummary[] };
type Work = ListOptions & { readonly fileSystem: FileSystem };

/** Folders whose disk has not answered yet: asking again would only take one more of Node's four threads. */
const silent = new Set<string>();

async function listPatiently(folder: CatalogueFolder, work: Work): Promise<Listed> {
  throwIfAborted(work.signal);
  const offline: Listed = { state: { path: folder.path, kind: folder.kind, state: 'offline' }, backups: [] };
  if (silent.has(folder.path)) return offline;
  const listing = listFolder(folder, work);
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<Listed>((resolve) => {
    timer = setTimeout(() => {
      silent.add(folder.path);
      void listing.catch(() => {}).finally(() => silent.delete(folder.path));
      resolve(offline);
    }, work.patienceMs ?? PATIENCE_MS);
  });
  try {
    return await Promise.race([listing, patience]);
  } finally {
    clearTimeout(timer);
  }
}

async function listFolder(folder: CatalogueFolder, work: Work): Promise<Listed> {
  const { fileSystem } = work;
  try {
    const entries = await fileSystem.readDirectory(folder.path);
    const freeBytes = await fileSystem.freeSpace(folder.path).catch(() => undefined);
    const state: FolderState = { ...folder, state: 'ready', ...(freeBytes !== undefined && { freeBytes }) };
    const itself = await tryRead(folder.path, path.dirname(folder.path), noLabels, work);
    if (itself) return { state, backups: [itself] };
    const labels = await readLabels(fileSystem, folder.path).catch(() => noLabels);
    const names = entries
      .filter(({ name, type }) => type === 'directory' && !name.startsWith('.'))
      .map(({ name }) => name);
    const backups: BackupSummary[] = [];
    let next = 0;
    const worker = async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) {
        throwIfAborted(work.signal);
        const found = await tryRead(path.join(folder.path, name), folder.path, labels, work);
        if (found) backups.push(found);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { state, backups };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { root } = path.parse(folder.path);
    const rootThere = await fileSystem.stat(root).then(
      () => true,
      () => false,
    );
    return { state: { ...folder, state: folderStateOf(error, folder.path, rootThere) }, backups: [] };
  }
}

const noLabels: Labels = { of: () => Promise.resolve(undefined) };

/** A folder that vanishes meanwhile, or that may not be read, is no backup that could be shown. */
async function tryRead(backup: string, root: string, labels: Labels, work: Work): Promise<BackupSummary | undefined> {
  try {
    const files = await findBackupFiles(work.fileSystem, backup);
    if (!files) return undefined;
    const print = printOf(files);
    const known = work.cache?.get(backup);
    const summary =
      known?.print === print && known.summary.root === root
        ? known.summary
        : await readBackup(work.fileSystem, backup, root, files);
    work.cache?.set(backup, { print, summary });
    const label = await labels.of(backup);
    return label === undefined ? summary : { ...summary, label };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isMissing(error) || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

function printOf(files: BackupFiles): string {
  return [files.status, files.manifest, files.info, files.database]
    .map((stat) => (stat ? `${stat.inode} ${stat.sizeBytes} ${stat.modifiedMs}` : '-'))
    .join(' ');
}
