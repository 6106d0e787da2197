import fs from 'node:fs';
import type { Disposable } from '../../base/disposable';
import { isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import type { CatalogueState } from '../types';
import { listBackups, type CatalogueCache, type CatalogueFolder, type ListOptions } from './listBackups';
import { measureBackup, type BackupSize } from './measureBackup';

export interface BackupsWatch extends Disposable {
  /** What is there now; `changed` is called too if it differs. */
  rescan(): Promise<CatalogueState>;
  /** Measures backups one after another, newest first; each size appears through `changed`. Ends with dispose(). */
  measure(): Promise<void>;
}

export interface WatchOptions extends Pick<ListOptions, 'fileSystem' | 'patienceMs'> {
  readonly log: Log;
  /** The system's messages come in bursts. */
  readonly settleMs?: number;
  /** For disks that come and go, and for what the system does not tell. */
  readonly pollMs?: number;
}

const SETTLE_MS = 300;
const POLL_MS = 15_000;
/** Free space changes all the time: only steps of 256 MiB are news. */
const FREE_STEP = 2 ** 28;

/** Follows folders of backups: calls `changed` soon, and whenever something is different. */
export function watchBackups(
  folders: readonly CatalogueFolder[],
  changed: (state: CatalogueState) => void,
  options: WatchOptions,
): BackupsWatch {
  const { log, settleMs = SETTLE_MS, pollMs = POLL_MS } = options;
  const controller = new AbortController();
  const cache: CatalogueCache = new Map();
  const sizes = new Map<string, { readonly print: string; readonly size: BackupSize }>();
  const watchers = new Map<string, fs.FSWatcher>();
  let last = '';
  let running: Promise<CatalogueState> | undefined;
  let again: Promise<CatalogueState> | undefined;
  let settling: NodeJS.Timeout | undefined;

  const withSizes = (state: CatalogueState): CatalogueState => ({
    ...state,
    backups: state.backups.map((backup) => {
      const known = sizes.get(backup.path);
      return known && known.print === cache.get(backup.path)?.print ? { ...backup, size: known.size } : backup;
    }),
  });
  const tell = (state: CatalogueState) => {
    const text = JSON.stringify(state, (key, value: unknown) =>
      key === 'freeBytes' && typeof value === 'number' ? Math.round(value / FREE_STEP) : value,
    );
    if (controller.signal.aborted || text === last) return;
    last = text;
    changed(state);
  };
  const scan = async (): Promise<CatalogueState> => {
    const { fileSystem, patienceMs } = options;
    const state = withSizes(await listBackups(folders, { fileSystem, patienceMs, cache, signal: controller.signal }));
    const there = new Set(state.backups.map(({ path }) => path));
    for (const path of cache.keys()) if (!there.has(path)) cache.delete(path);
    for (const path of sizes.keys()) if (!there.has(path)) sizes.delete(path);
    for (const { path, state: is } of state.folders) {
      if (is === 'ready') watch(path);
      else unwatch(path);
    }
    tell(state);
    return state;
  };
  /** One at a time; whoever asks during a scan gets the one after it, since this one may have passed by already. */
  const rescan = (): Promise<CatalogueState> => {
    if (!running) {
      running = scan().finally(() => (running = undefined));
      return running;
    }
    again ??= running
      .catch(() => {})
      .then(() => {
        again = undefined;
        return rescan();
      });
    return again;
  };
  const rescanQuietly = () => {
    rescan().catch((error: unknown) => {
      if (!isCancellation(error)) log.warn(`cannot list backups: ${String(error)}`);
    });
  };
  const watch = (path: string) => {
    if (watchers.has(path) || controller.signal.aborted) return;
    try {
      const watcher = fs.watch(path, { persistent: false }, (_, name) => {
        // Our own storage changes all the time while a backup is made.
        if (typeof name === 'string' && name.startsWith('.')) return;
        clearTimeout(settling);
        settling = setTimeout(rescanQuietly, settleMs).unref();
      });
      watcher.on('error', () => unwatch(path));
      watchers.set(path, watcher);
    } catch (error) {
      log.debug(`${path} is not watched, only asked now and then: ${String(error)}`);
    }
  };
  const unwatch = (path: string) => {
    watchers.get(path)?.close();
    watchers.delete(path);
  };

  const poll = setInterval(rescanQuietly, pollMs).unref();
  rescanQuietly();
  return {
    rescan,
    async measure() {
      const { backups } = await rescan();
      for (const { path } of backups) {
        const print = cache.get(path)?.print;
        // What one backup frees depends on the others: all are measured again once one has changed.
        if (print === undefined) continue;
        try {
          const size = await measureBackup(path, { fileSystem: options.fileSystem, signal: controller.signal });
          sizes.set(path, { print, size });
        } catch (error) {
          if (isCancellation(error)) return;
          log.debug(`${path} cannot be measured: ${String(error)}`);
        }
      }
      await rescan();
    },
    dispose() {
      controller.abort();
      clearInterval(poll);
      clearTimeout(settling);
      for (const path of [...watchers.keys()]) unwatch(path);
    },
  };
}
