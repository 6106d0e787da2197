import type { BackupSummary } from '../../backups/types';
import type { PageFacts } from './pageFacts';

/** The newest whole backup of this device on this computer, wherever it is kept. */
export function lastBackup({ engine, udid }: Pick<PageFacts, 'engine' | 'udid'>): BackupSummary | undefined {
  const whole = (engine?.catalogue.backups ?? []).filter((one) => one.udid === udid && one.state === 'finished');
  return whole.reduce<BackupSummary | undefined>(
    (newest, one) => (newest && timeOf(newest) >= timeOf(one) ? newest : one),
    undefined,
  );
}

/** Milliseconds since 1970; before everything else if it is not known. */
function timeOf({ date }: BackupSummary): number {
  const time = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(time) ? -Infinity : time;
}
