import { t } from '@vscode/l10n';
import type { BackupSummary } from '../backups/types';
import { formatDateTime } from '../texts/format';

/** `Ann’s iPhone, Jan 3, 2026, 8:00 AM`: device and date, as a person tells one backup from another. */
export function backupTitle({ deviceName, udid, path, date, label }: BackupSummary): string {
  const name = deviceName ?? udid ?? path;
  const title = date === undefined ? name : t('{0}, {1}', name, formatDateTime(date));
  return label === undefined ? title : `“${label}” (${title})`;
}
