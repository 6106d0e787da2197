import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { isAppError } from '../base/errors';
import type { BackupSummary, VerifyLevel, VerifyReport } from '../backups';
import { verifyResultText } from '../texts/verifyReport';
import { showVerifyReport } from '../views/verify/reportDocuments';
import type { TreeNode } from '../views/tree/nodes';
import { askBackupPassword } from './askBackupPassword';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';
import { repairBackup } from './repairBackup';
import { withJobProgress } from './withJobProgress';

/** Checks a backup. What is wrong goes to the Problems panel and into a report. */
export async function verifyBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node);
  if (!backup) return;
  const level = await chooseLevel(backup);
  if (!level) return;
  const report = await check(app, backup, level);
  if (report) await tell(app, backup, report);
}

async function chooseLevel(backup: BackupSummary): Promise<VerifyLevel | undefined> {
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: `$(zap) ${t('Quick Check')}`,
        detail: t('Is every file there, and as long as it should be? Takes seconds.'),
        level: 'quick' as const,
      },
      {
        label: `$(verified) ${t('Full Check')}`,
        detail: t(
          'Reads every byte and compares it with what the device sent. Takes as long as reading the whole backup.',
        ),
        level: 'full' as const,
      },
    ],
    { title: t('Check {0}', backupTitle(backup)) },
  );
  return picked?.level;
}

/** @returns undefined if the person closed a question or cancelled */
async function check(app: App, backup: BackupSummary, level: VerifyLevel): Promise<VerifyReport | undefined> {
  const { path } = backup;
  let refused: string | undefined;
  const withPassword = backup.encrypted ? await wantsPassword(backup, level) : false;
  if (withPassword === undefined) return undefined;
  for (;;) {
    const password = withPassword ? await askBackupPassword(app, backup, refused) : undefined;
    if (withPassword && password === undefined) return undefined;
    const params = { path, level, ...(password !== undefined && { password }) };
    const title = t('Checking {0}', backupTitle(backup));
    try {
      return await withJobProgress(app, title, { kind: 'verify', path }, (signal) =>
        app.engine.call('verify', params, signal),
      );
    } catch (error) {
      if (!isAppError(error, 'wrongPassword') || password === undefined) throw error;
      refused = password;
    }
  }
}

async function wantsPassword(backup: BackupSummary, level: VerifyLevel): Promise<boolean | undefined> {
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: `$(unlock) ${t('Check Without the Password')}`,
        detail:
          level === 'full'
            ? t('Every byte is compared with what was received. A damaged file cannot be named.')
            : t('Finds files that are gone or cut. They cannot be named.'),
        password: false,
      },
      {
        label: `$(key) ${t('Check With the Password')}`,
        detail: t('Also whether every file can be decrypted, and which app a damaged one belongs to.'),
        password: true,
      },
    ],
    { title: t('{0} is encrypted', backupTitle(backup)), ignoreFocusOut: true },
  );
  return picked?.password;
}

async function tell(app: App, backup: BackupSummary, report: VerifyReport): Promise<void> {
  const showReport = t('Show Report');
  const text = verifyResultText(report, backupTitle(backup));
  if (report.damages === 0) {
    const answer = await vscode.window.showInformationMessage(text, showReport);
    if (answer === showReport) await showVerifyReport(report);
    return;
  }
  const repair = t('Repair…');
  const repairable = backup.role === 'current' && report.findings.some(({ alsoIn }) => alsoIn !== undefined);
  const answer = await vscode.window.showErrorMessage(text, showReport, ...(repairable ? [repair] : []));
  if (answer === showReport) await showVerifyReport(report);
  if (answer === repair) await repairBackup(app, { kind: 'backup', backup });
}
