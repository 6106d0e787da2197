import { AppError } from '../base/errors';
import type { BackupSummary, CatalogueState, VerifyReport } from '../backups';
import { nodeFileSystem, recover } from '../backups';
import type { Log } from '../base/log';
import type { BackupsPort, CatalogueWatch, Staging, StagingRequest } from './ports';
import { readSummary } from './readSummary';
import { openStagedBackup } from './stagedBackups';

/** The backups in folders of this computer. */
export class BackupFolders implements BackupsPort {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  watch(folders: readonly string[], changed: (state: CatalogueState) => void): CatalogueWatch {
    const state: CatalogueState = {
      folders: folders.map((path) => ({ path, kind: 'own', state: 'ready' })),
      backups: [],
    };
    changed(state);
    return { dispose() {}, rescan: () => Promise.resolve(state) };
  }

  recover(folder: string, signal: AbortSignal): Promise<void> {
    return recover(folder, this.#log, { signal });
  }

  async freeSpace(folder: string): Promise<number | undefined> {
    // A folder that is missing is another problem, which staging words.
    return nodeFileSystem()
      .freeSpace(folder)
      .catch(() => undefined);
  }

  openStaging(request: StagingRequest): Promise<Staging> {
    return openStagedBackup(request, { log: this.#log, readSummary });
  }

  verify = (): Promise<VerifyReport> => Promise.reject(missing('verify'));
  delete = (): Promise<void> => Promise.reject(missing('delete'));
  archive = (): Promise<BackupSummary> => Promise.reject(missing('archive'));
  label = (): Promise<void> => Promise.reject(missing('label'));
  move = (): Promise<BackupSummary> => Promise.reject(missing('move'));
}

function missing(what: string): AppError {
  return new AppError('notAllowed', `${what} is not there yet`);
}
