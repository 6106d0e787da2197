import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { BackupSummary } from '../backups/types';
import type { RestoreOptions } from '../engine/protocol';
import { formatDateTime, formatRelative } from '../texts/format';
import { isNameTyped } from '../texts/isNameTyped';
import { backupFacts } from './chooseBackupToRestore';

export interface RestoreConfirmation {
  /** The device's name, which the person has to type. */
  readonly name: string;
  readonly backup: BackupSummary;
  readonly options: RestoreOptions;
  readonly lastOfDevice: BackupSummary | undefined;
}

/** Never the default: Enter or Escape in the first question does not go on. @returns undefined if the person does not want it */
export async function confirmRestore(
  confirmation: RestoreConfirmation,
): Promise<'restore' | 'backUpFirst' | undefined> {
  const { name, backup } = confirmation;
  const backUpFirst = t('Back Up First');
  const goOn = t('Restore…');
  const answer = await vscode.window.showWarningMessage(
    t('Replace what is on {0} by the backup of {1}?', name, backup.date ? formatDateTime(backup.date) : backup.path),
    { modal: true, detail: details(confirmation) },
    backUpFirst,
    goOn,
  );
  if (answer === backUpFirst) return 'backUpFirst';
  if (answer !== goOn) return undefined;
  const typed = await vscode.window.showInputBox({
    title: t('Restore to {0}', name),
    prompt: t('Type the name of the device to start: {0}', name),
    ignoreFocusOut: true,
    validateInput: (value) =>
      isNameTyped(value, name) ? undefined : t('The restore starts when {0} is typed here.', name),
  });
  return typed === undefined ? undefined : 'restore';
}

function details({ name, backup, options, lastOfDevice }: RestoreConfirmation): string {
  const of = backup.deviceName ?? backup.path;
  return [
    t('Backup of {0}: {1}.', of, backupFacts(backup).join(', ')),
    options.removeOthers
      ? t('Photos, messages, settings and the data of apps on {0} that are not in this backup will be gone.', name)
      : t('What is in the backup replaces what {0} has now; other things on it stay.', name),
    options.keepSettings ? t('Its present settings stay.') : '',
    lastOfDevice?.date
      ? t(
          'The last backup of {0} is of {1} ({2}).',
          name,
          formatDateTime(lastOfDevice.date),
          formatRelative(lastOfDevice.date),
        )
      : t('There is no backup of what is on {0} now.', name),
    t('Keep it connected and unlocked until it restarts. Apps come from the App Store afterwards.'),
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}
