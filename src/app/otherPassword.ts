import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { BackupSummary } from '../backups/types';
import { isCancellation, toErrorData } from '../base/errors';
import { problem } from '../texts/problems';
import type { App } from './app';
import { opensBackup } from './tryRememberedPasswords';
import { withAbort } from './withAbort';

type Services = Pick<App, 'engine' | 'passwords' | 'log'>;

/**
 * The remembered password does not open the device's new backup: says so, and lets the person replace or forget it. What
 * is remembered changes only once the backup has confirmed the new one. Never fails.
 */
export async function tellOtherPassword(services: Services, udid: string, backup: BackupSummary): Promise<void> {
  const { passwords, log } = services;
  const enter = t('Enter the Right One');
  const forget = t('Forget It');
  try {
    const answer = await vscode.window.showWarningMessage(
      t(
        'The password that is remembered for {0} does not open its new backup: another one was set since. The backup itself is complete.',
        backup.deviceName ?? udid,
      ),
      enter,
      forget,
    );
    // Something else may have been remembered while the question was open.
    if (answer === undefined || (await passwords.has(udid))) return;
    // It still opens earlier backups, so it is kept for them.
    if (answer === forget) await passwords.retire(udid);
    else await replace(services, udid, backup);
  } catch (error) {
    if (isCancellation(error)) return;
    const { code, details, message } = toErrorData(error);
    log.error(`the password was not replaced: ${code}: ${message}`);
    const { text, next } = problem(code, details);
    void vscode.window.showErrorMessage(`${text} ${next}`);
  }
}

/** Asks until the backup opens, or the person gives up. */
async function replace({ engine, passwords }: Services, udid: string, backup: BackupSummary): Promise<void> {
  for (let wrong = false; ; wrong = true) {
    const password = await vscode.window.showInputBox({
      title: t('The backup is encrypted'),
      prompt: wrong
        ? t('That password is wrong too. Type the one that backups of {0} have now.', backup.deviceName ?? udid)
        : t('The password that backups of {0} have now. It is remembered instead.', backup.deviceName ?? udid),
      password: true,
      ignoreFocusOut: true,
      validateInput: (typed) => (typed === '' ? t('Enter a password.') : undefined),
    });
    if (password === undefined) return;
    const opens = await withAbort({ title: t('Trying the password'), cancellable: true }, (signal) =>
      opensBackup(engine, { udid, path: backup.path, password }, signal),
    );
    if (!opens) continue;
    await passwords.set(udid, password);
    void vscode.window.showInformationMessage(t('The password of {0} is remembered.', backup.deviceName ?? udid));
    return;
  }
}
