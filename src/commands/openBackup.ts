import path from 'node:path';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { BackupSummary } from '../backups/types';
import { formatDateTime } from '../texts/format';
import { backupUri } from '../views/backupFileSystem/backupUri';
import { unlockBackup } from '../views/backupFileSystem/unlockBackup';
import type { TreeNode } from '../views/tree/nodes';

/**
 * Opens a backup as a folder of this window: the clicked one, a folder of the explorer, or the one that the person picks
 * from the list or from the disk.
 */
export async function openBackup(app: App, target?: TreeNode | vscode.Uri): Promise<void> {
  const backup = await chooseFolder(app, target);
  if (!backup) return;
  const { openBackups } = app;
  const id = await openBackups.register(backup);
  // Says at once what is no backup, before the window changes.
  await openBackups.info(id);
  const uri = backupUri({ id, path: '' });
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (!folders.some((folder) => folder.uri.toString() === uri.toString())) {
    // A window with less than two folders starts its extensions again, and asks for the password afterwards.
    const startsAgain = folders.length === 0 || vscode.workspace.workspaceFile === undefined;
    if (startsAgain) await openBackups.known.rememberPending(id);
    vscode.workspace.updateWorkspaceFolders(folders.length, 0, { uri, name: openBackups.backup(id).name });
    if (startsAgain) return;
  }
  await vscode.commands.executeCommand('workbench.view.explorer');
  await unlockBackup(app, id);
}

type Chosen = Pick<BackupSummary, 'path'> & Partial<BackupSummary>;

async function chooseFolder(app: App, target: TreeNode | vscode.Uri | undefined): Promise<Chosen | undefined> {
  if (target instanceof vscode.Uri) {
    const { fsPath } = target;
    return known(app, path.basename(fsPath) === 'Manifest.plist' ? path.dirname(fsPath) : fsPath);
  }
  if (target?.kind === 'backup') return target.backup;
  if (target?.kind === 'backedUpDevice') return target.backups[0];
  const backups = app.engine.state?.catalogue.backups ?? [];
  const items = backups.map((backup) => ({
    label: `$(${backup.encrypted ? 'lock' : 'archive'}) ${backup.label ?? backup.deviceName ?? path.basename(backup.path)}`,
    description: backup.date ? formatDateTime(backup.date) : '',
    detail: backup.path,
    backup: backup,
  }));
  const other = { label: `$(folder-opened) ${t('Other Folder…')}`, description: '', detail: '', backup: undefined };
  const picked = await vscode.window.showQuickPick([...items, other], {
    title: t('Open Backup as Folder'),
    placeHolder: t('Which backup?'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (!picked) return undefined;
  if (picked.backup) return picked.backup;
  const chosen = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    title: t('Folder of the backup, with Manifest.plist in it'),
    openLabel: t('Open Backup'),
  });
  return chosen?.[0] && known(app, chosen[0].fsPath);
}

/** What the list of backups says about a folder, if it is in there. */
function known(app: App, folder: string): Chosen {
  const found = app.engine.state?.catalogue.backups.find((backup) => backup.path === path.normalize(folder));
  return found ?? { path: folder };
}
