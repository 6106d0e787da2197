import path from 'node:path';
import type { BackupSummary } from '../backups/types';

/** Whether no other finished backup of the same device lies in the same folder. */
export function isOnlyGoodBackup(backup: BackupSummary, all: readonly BackupSummary[]): boolean {
  if (backup.state !== 'finished') return false;
  const folder = path.dirname(backup.path);
  return !all.some(
    (other) =>
      other.path !== backup.path &&
      other.udid === backup.udid &&
      other.state === 'finished' &&
      path.dirname(other.path) === folder,
  );
}
