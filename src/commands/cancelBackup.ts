import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app';
import type { TreeNode } from '../views/tree/nodes';
import { chooseJob } from './chooseJob';

export async function cancelBackup(app: App, node?: TreeNode): Promise<void> {
  const job = await chooseJob(app, node);
  if (job) await app.engine.call('cancelJob', { jobId: job.id });
  else await vscode.window.showInformationMessage(t('Nothing is running.'));
}
