import { t } from '@vscode/l10n';
import type { BackupSummary } from '../../backups/types';
import { formatRelative } from '../../texts/format';
import { isBackupOld } from '../isBackupOld';
import type { PageFacts } from './pageFacts';
import type { ReminderState } from './protocol';

/** A quiet word when the last good backup is old. A device without any says so already. */
export function reminderState(
  { reminderDays, reminderQuietUntil = 0, now }: PageFacts,
  last: BackupSummary | undefined,
): ReminderState | undefined {
  if (!last?.date || now < reminderQuietUntil || !isBackupOld(last.date, reminderDays, now)) return undefined;
  return {
    title: t('The last good backup was {0}', formatRelative(last.date, now)),
    text: t('What has come since then exists only on the device.'),
  };
}
