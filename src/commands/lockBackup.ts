import type * as vscode from 'vscode';
import type { App } from '../app/app';
import { unlockBackup } from '../views/backupFileSystem/unlockBackup';
import type { TreeNode } from '../views/tree/nodes';
import { openBackupOf } from './chooseOpenBackup';

/** Forgets the keys of an opened backup, and closes what shows its contents; without a clicked one, of all. */
export async function lockBackup(app: App, target?: TreeNode | vscode.Uri): Promise<void> {
  const ids = target ? [openBackupOf(app, target)] : app.openBackups.folders.map(({ id }) => id);
  for (const id of ids) app.openBackups.lock(id);
}

export async function unlockOpenBackup(app: App, target?: TreeNode | vscode.Uri): Promise<void> {
  await unlockBackup(app, openBackupOf(app, target));
}
