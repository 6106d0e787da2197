import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { cancelJob } from '../app/cancelJob';
import type { TreeNode } from '../views/tree/nodes';
import { chooseJob } from './chooseJob';

export async function cancelBackup(app: App, node?: TreeNode): Promise<void> {
  const job = await chooseJob(app, node);
  if (job) await cancelJob(app, job);
  else await vscode.window.showInformationMessage(t('Nothing is running.'));
}
