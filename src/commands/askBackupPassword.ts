import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { BackupSummary } from '../backups/types';
import { backupName } from './chooseBackupToRestore';

/**
 * Of an encrypted backup: the remembered one, if the person wants that, else what is typed.
 * @param refused The one that was tried and is wrong.
 * @returns undefined if the person closed the question.
 */
export async function askBackupPassword(
  app: App,
  backup: BackupSummary,
  refused: string | undefined,
): Promise<string | undefined> {
  const remembered = backup.udid === undefined ? undefined : await app.passwords.get(backup.udid);
  if (remembered !== undefined && refused === undefined) {
    const use = { label: t('$(key) Use the Remembered Password'), remembered };
    const type = {
      label: t('$(edit) Type a Password'),
      detail: t('Older backups keep the password they were made with.'),
    };
    const picked = await vscode.window.showQuickPick<typeof use | typeof type>([use, type], {
      title: t('The backup is encrypted'),
      placeHolder: backupName(backup),
      ignoreFocusOut: true,
    });
    if (!picked) return undefined;
    if ('remembered' in picked) return picked.remembered;
  }
  return vscode.window.showInputBox({
    title: t('The backup is encrypted'),
    prompt:
      refused === undefined
        ? t('Password of the backup of {0}', backupName(backup))
        : t('That password is wrong. Type the one that was set when this backup was made: {0}', backupName(backup)),
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (value === '' ? t('Type the password of the backup.') : undefined),
  });
}
