import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';

const MAX_LABEL = 200;

/** A name of one's own for a backup; an empty one takes it away. The folder keeps its name, which Finder needs. */
export async function renameBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node);
  if (!backup) return;
  const label = await vscode.window.showInputBox({
    title: t('Name of the backup'),
    prompt: t('{0}. Leave it empty to show the date. A backup with a name is never thinned out.', backupTitle(backup)),
    value: backup.label ?? '',
    ignoreFocusOut: true,
    validateInput: (text) => (text.length > MAX_LABEL ? t('That is too long.') : undefined),
  });
  if (label === undefined) return;
  await app.engine.call('labelBackup', { path: backup.path, label: label.trim() });
}
