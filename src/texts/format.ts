import { t } from '@vscode/l10n';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in powers of 1000, as Finder and VS Code's own pages count. */
export function formatBytes(bytes: number): string {
  let power = 0;
  let value = bytes;
  // 999,950 would be rounded to 1,000 kB.
  while (power < UNITS.length - 1 && value >= (power === 0 ? 1000 : 999.5)) {
    value /= 1000;
    power++;
  }
  const digits = power === 0 || value >= 99.95 ? 0 : 1;
  return `${formatNumber(value, digits)} ${UNITS[power] ?? 'B'}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

export function formatNumber(value: number, digits = 0): string {
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(value);
}

/** `fraction` 0..1; rounded down, so that 100 % means done. */
export function formatPercent(fraction: number): string {
  return new Intl.NumberFormat(undefined, { style: 'percent' }).format(Math.floor(fraction * 100) / 100);
}

/** `0:07`, `12:30`, `1:05:00`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Date and time as the person's own locale writes them. */
export function formatDateTime(iso: string | Date): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** `5 minutes ago`, `yesterday`; `just now` below a minute. */
export function formatRelative(iso: string | Date, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
  const size = Math.abs(seconds);
  if (size < 60) return t('just now');
  if (size < 3600) return format.format(Math.trunc(seconds / 60), 'minute');
  if (size < 86_400) return format.format(Math.trunc(seconds / 3600), 'hour');
  if (size < 30 * 86_400) return format.format(Math.trunc(seconds / 86_400), 'day');
  if (size < 365 * 86_400) return format.format(Math.trunc(seconds / (30 * 86_400)), 'month');
  return format.format(Math.trunc(seconds / (365 * 86_400)), 'year');
}
