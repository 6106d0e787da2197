import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { cancelJob } from '../app/cancelJob';
import { jobDetails, jobTitle } from '../texts/jobs';
import type { TreeNode } from '../views/tree/nodes';
import { chooseJob } from './chooseJob';

/** What the status bar's item opens: the numbers of the running job, and Cancel. */
export async function showJob(app: App, node?: TreeNode): Promise<void> {
  const job = await chooseJob(app, node);
  if (!job) {
    await vscode.window.showInformationMessage(t('Nothing is running.'));
    return;
  }
  const cancel = { label: `$(stop-circle) ${t('Cancel')}`, act: 'cancel' } as const;
  const open = { label: `$(device-mobile) ${t('Open Device Page')}`, act: 'open' } as const;
  const log = { label: `$(output) ${t('Show Log')}`, act: 'log' } as const;
  const picked = await vscode.window.showQuickPick([cancel, ...(job.udid ? [open] : []), log], {
    title: jobTitle(job),
    placeHolder: jobDetails(job),
  });
  switch (picked?.act) {
    case 'cancel':
      await cancelJob(app, job);
      break;
    case 'open': {
      const device = app.engine.state?.devices.find(({ udid }) => udid === job.udid);
      if (device) await vscode.commands.executeCommand('iosBackup.openDevice', { kind: 'device', device });
      break;
    }
    case 'log':
      await vscode.commands.executeCommand('iosBackup.showLog');
      break;
    case undefined:
  }
}
