import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';
import { withJobProgress } from './withJobProgress';

/** Keeps a backup as it is: no later one, and no rule about versions, touches the archive. */
export async function archiveBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node, ({ state }) => state === 'finished');
  if (!backup) return;
  const { path } = backup;
  const title = t('Archiving {0}', backupTitle(backup));
  const archive = await withJobProgress(app, title, { kind: 'archive', path }, (signal) =>
    app.engine.call('archiveBackup', { path }, signal),
  );
  if (!archive) return;
  const show = t('Show in File Manager');
  const answer = await vscode.window.showInformationMessage(
    t('{0} is archived. Later backups leave it as it is.', backupTitle(backup)),
    show,
  );
  if (answer === show) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(archive.path));
}
