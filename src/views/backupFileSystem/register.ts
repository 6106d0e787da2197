import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { isCancellation, toErrorData } from '../../base/errors';
import { BackupTextDocuments } from '../compare/backupTextDocuments';
import type { ComparisonView } from '../compare/comparisonView';
import { HeicEditor } from '../heicEditor/heicEditor';
import { PlistEditor } from '../plistEditor/plistEditor';
import type { SearchResultsView } from '../search/searchResultsView';
import { showProblem } from '../showProblem';
import { SqliteEditor } from '../sqliteEditor/sqliteEditor';
import { BackupFileSystem } from './backupFileSystem';
import { BACKUP_SCHEME, BACKUP_TEXT_SCHEME } from './backupUri';
import { unlockBackup } from './unlockBackup';

/** What the views of opened backups are made of; commands fill the two trees. */
export interface BackupViews {
  readonly searchResults: SearchResultsView;
  readonly comparison: ComparisonView;
}

/** Backups as folders: their file system, editors and trees. */
export function registerBackupFolders(app: App, views: BackupViews): vscode.Disposable[] {
  const { openBackups } = app;
  const unlock = (id: string) => {
    unlockBackup(app, id).catch((error: unknown) => {
      if (isCancellation(error)) return;
      app.log.error(`unlock: ${toErrorData(error).message}`);
      void showProblem(app, error);
    });
  };
  const told = new Set<string>();
  const tellLocked = (id: string) => {
    if (told.has(id)) return;
    told.add(id);
    void tell(app, id, unlock);
  };
  const fileSystem = new BackupFileSystem(openBackups, unlock, tellLocked);
  void openBackups.known
    .takePending((id) => openBackups.folders.some((folder) => folder.id === id))
    .then((id) => {
      if (id === undefined) return;
      told.add(id);
      unlock(id);
      void vscode.commands.executeCommand('workbench.view.explorer');
    });
  return [
    fileSystem,
    openBackups.onChange(({ id, locked }) => {
      // Their rows are contents too.
      if (locked && views.searchResults.id === id) views.searchResults.clear();
      if (locked && views.comparison.id === id) views.comparison.clear();
    }),
    vscode.workspace.registerFileSystemProvider(BACKUP_SCHEME, fileSystem, { isCaseSensitive: true, isReadonly: true }),
    vscode.workspace.registerTextDocumentContentProvider(BACKUP_TEXT_SCHEME, new BackupTextDocuments(app)),
    vscode.window.registerCustomEditorProvider('iosBackup.heic', new HeicEditor(app)),
    vscode.window.registerCustomEditorProvider('iosBackup.plist', new PlistEditor(app)),
    vscode.window.registerCustomEditorProvider('iosBackup.sqlite', new SqliteEditor(app)),
    views.searchResults,
    views.comparison,
  ];
}

/** Says once per window that a folder came back locked. Nothing is asked until the person wants it. */
async function tell({ openBackups }: App, id: string, unlock: (id: string) => void): Promise<void> {
  const action = t('Unlock');
  const { name } = openBackups.backup(id);
  if ((await vscode.window.showInformationMessage(t('The backup “{0}” is locked.', name), action)) === action)
    unlock(id);
}
