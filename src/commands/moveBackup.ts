import { t } from '@vscode/l10n';
import path from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { formatBytes } from '../texts/format';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';
import { withJobProgress } from './withJobProgress';

/** Copies a backup to another folder, compares the copy with the original byte for byte, and only then removes that. */
export async function moveBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node, ({ state }) => state === 'finished');
  if (!backup) return;
  const picked = await vscode.window.showOpenDialog({
    title: t('Move {0}', backupTitle(backup)),
    openLabel: t('Move Here'),
    canSelectFiles: false,
    canSelectFolders: true,
    defaultUri: vscode.Uri.file(path.dirname(backup.path)),
  });
  const toFolder = picked?.[0]?.fsPath;
  if (toFolder === undefined) return;
  const title = t('Moving {0}', backupTitle(backup));
  const moved = await withJobProgress(app, title, { kind: 'move', path: backup.path }, (signal) =>
    app.engine.call('moveBackup', { path: backup.path, toFolder }, signal),
  );
  if (!moved) return;
  const size = backup.size === undefined ? '' : ` (${formatBytes(backup.size.bytes)})`;
  const watched = app.engine.state?.catalogue.folders.some((folder) => folder.path === toFolder);
  const watch = t('Show Backups of This Folder');
  const answer = await vscode.window.showInformationMessage(
    t(
      '{0}{1} is now in {2}. The copy was compared with the original before that was removed.',
      backupTitle(backup),
      size,
      toFolder,
    ),
    ...(watched ? [] : [watch]),
  );
  if (answer === watch) await addFolder(toFolder);
}

async function addFolder(folder: string): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('iosBackup');
  const folders = configuration.inspect<readonly string[]>('moreFolders')?.globalValue ?? [];
  if (folders.includes(folder)) return;
  await configuration.update('moreFolders', [...folders, folder], vscode.ConfigurationTarget.Global);
}
