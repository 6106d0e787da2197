import { t } from '@vscode/l10n';
import type { Job, JobKind } from '../engine/protocol';
import { formatBytes, formatDuration, formatNumber, formatPercent, formatRate } from './format';
import { stageText } from './stages';

const titles: Record<JobKind, (name: string) => string> = {
  backup: (name) => t('Backing up {0}', name),
  encryption: (name) => t('Changing the encryption of {0}', name),
  cloud: (name) => t('Changing the iCloud setting of {0}', name),
  restore: (name) => t('Restoring {0}', name),
  verify: (name) => t('Checking the backup of {0}', name),
  repair: (name) => t('Repairing the backup of {0}', name),
  delete: (name) => t('Deleting a backup of {0}', name),
  archive: (name) => t('Archiving the backup of {0}', name),
  move: (name) => t('Moving a backup of {0}', name),
  pair: (name) => t('Waiting for {0} to trust this computer', name),
};

export function jobTitle({ kind, name }: Job): string {
  return titles[kind](name);
}

/** Stage, percent, bytes, files, rate and time gone, as far as they are known. */
export function jobDetails({ progress, startedAt }: Job, now = Date.now()): string {
  const { stage, fraction, bytes, files, bytesPerSecond } = progress;
  const parts = [
    stageText(stage),
    fraction === undefined ? '' : formatPercent(fraction),
    bytes > 0 ? formatBytes(bytes) : '',
    files > 0 ? t('{0} files', formatNumber(files)) : '',
    bytesPerSecond > 0 ? formatRate(bytesPerSecond) : '',
    formatDuration(now - Date.parse(startedAt)),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
