import * as vscode from 'vscode';
import type { App } from '../app/app';
import { chooseBackup } from './chooseBackup';
import type { TreeNode } from '../views/tree/nodes';

export async function showBackupInFileManager(app: App, node?: TreeNode): Promise<void> {
  const path = node?.kind === 'folder' ? node.folder.path : (await chooseBackup(app, node))?.path;
  if (path) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(path));
}
