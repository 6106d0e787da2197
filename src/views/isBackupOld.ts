const DAY_MS = 86_400_000;

/** @param days 0: no backup is ever too old. */
export function isBackupOld(date: string, days: number, now: number): boolean {
  return days > 0 && now - Date.parse(date) > days * DAY_MS;
}
