import { AppError } from '../base/errors';
import type { BackupSummary, CatalogueState, VerifyReport } from '../backups/types';
import type { BackupsPort, CatalogueWatch, Staging } from './ports';

/** The backups in folders of this computer. */
export class BackupFolders implements BackupsPort {
  watch(folders: readonly string[], changed: (state: CatalogueState) => void): CatalogueWatch {
    const state: CatalogueState = {
      folders: folders.map((path) => ({ path, kind: 'own', state: 'ready' })),
      backups: [],
    };
    changed(state);
    return { dispose() {}, rescan: () => Promise.resolve(state) };
  }

  recover = (): Promise<void> => Promise.reject(missing('recover'));
  freeSpace = (): Promise<number | undefined> => Promise.resolve(undefined);
  openStaging = (): Promise<Staging> => Promise.reject(missing('openStaging'));
  verify = (): Promise<VerifyReport> => Promise.reject(missing('verify'));
  delete = (): Promise<void> => Promise.reject(missing('delete'));
  archive = (): Promise<BackupSummary> => Promise.reject(missing('archive'));
  label = (): Promise<void> => Promise.reject(missing('label'));
  move = (): Promise<BackupSummary> => Promise.reject(missing('move'));
}

function missing(what: string): AppError {
  return new AppError('notAllowed', `${what} is not there yet`);
}
