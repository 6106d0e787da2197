import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError, toErrorData } from '../base/errors';
import type { BackupSummary } from '../backups/types';
import { formatBytes, formatDateTime } from '../texts/format';
import { isOnlyGoodBackup } from '../views/isOnlyGoodBackup';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';

/** Asks, naming device and date; the only complete backup of a device asks once more. Enter alone deletes nothing. */
export async function deleteBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node);
  if (!backup) return;
  refuseBusy(app, backup);
  if (!(await confirmed(backup))) return;
  const only = isOnlyGoodBackup(backup, app.engine.state?.catalogue.backups ?? []);
  if (only && !(await confirmedOnly(backup))) return;
  const uri = vscode.Uri.file(backup.path);
  try {
    await vscode.workspace.fs.delete(uri, { recursive: true, useTrash: true });
    await app.engine.call('rescan', {});
  } catch (error) {
    app.log.info(`no trash for ${backup.path}: ${toErrorData(error).message}`);
    if (!(await confirmedForGood(backup))) return;
    await app.engine.call('deleteBackup', { path: backup.path, evenIfOnly: only });
  }
}

/** @throws AppError `backupInUse` */
function refuseBusy({ engine }: App, { path, udid }: BackupSummary): void {
  const busy = engine.state?.jobs.some((job) => !job.outcome && (job.path === path || (udid && job.udid === udid)));
  if (busy) throw new AppError('backupInUse', `a job works on ${path}`, { details: { path } });
}

async function confirmed(backup: BackupSummary): Promise<boolean> {
  const { size, date, path } = backup;
  const remove = t('Delete');
  const answer = await vscode.window.showWarningMessage(
    date === undefined
      ? t('Delete the backup of {0}?', backup.deviceName ?? path)
      : t('Delete the backup of {0} of {1}?', backup.deviceName ?? path, formatDateTime(date)),
    {
      modal: true,
      detail: [
        backup.label === undefined ? '' : `“${backup.label}”`,
        size === undefined ? '' : t('{0} will be free.', formatBytes(size.freed)),
        backup.role === 'current'
          ? t('The next backup of this device will be a full one.')
          : t('Other versions keep all their files.'),
        path,
      ]
        .filter((line) => line !== '')
        .join('\n\n'),
    },
    t('Keep It'),
    remove,
  );
  return answer === remove;
}

async function confirmedOnly(backup: BackupSummary): Promise<boolean> {
  const remove = t('Delete the Only Backup');
  const answer = await vscode.window.showWarningMessage(
    t('This is the only complete backup of {0} here.', backup.deviceName ?? backup.path),
    { modal: true, detail: t('When it is gone, nothing on this computer can bring back what was on the device.') },
    t('Keep It'),
    remove,
  );
  return answer === remove;
}

async function confirmedForGood(backup: BackupSummary): Promise<boolean> {
  const remove = t('Delete for Good');
  const answer = await vscode.window.showWarningMessage(
    t('There is no trash for that disk.'),
    { modal: true, detail: t('{0} can only be deleted for good.', backupTitle(backup)) },
    t('Keep It'),
    remove,
  );
  return answer === remove;
}
