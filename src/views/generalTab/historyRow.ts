import { t } from '@vscode/l10n';
import type { HistoryEntry } from '../../engine/protocol';
import { formatBytes, formatDateTime, formatDuration, formatNumber } from '../../texts/format';
import { problem } from '../../texts/problems';
import type { HistoryRow } from './protocol';

/** One earlier backup: when, how long, how much, and how it ended. */
export function historyRow(entry: HistoryEntry, platform: NodeJS.Platform | undefined): HistoryRow {
  const { kind: job, outcome, startedAt, endedAt, error, bytes, files, full, encrypted } = entry;
  const when = formatDateTime(endedAt);
  const took = formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
  switch (outcome) {
    case 'done': {
      const kind = job === 'restore' ? t('Restore') : full ? t('Full backup') : t('Backup');
      const much = t('{0}, {1} files, {2}', formatBytes(bytes), formatNumber(files), took);
      return { tone: 'good', when, what: encrypted ? t('{0}, encrypted: {1}', kind, much) : `${kind}: ${much}` };
    }
    case 'cancelled':
      return {
        tone: 'plain',
        when,
        what: job === 'restore' ? t('Restore cancelled after {0}', took) : t('Cancelled after {0}', took),
      };
    case 'failed':
      return {
        tone: 'bad',
        when,
        what: t('{0} ({1})', error ? problem(error.code, error.details, platform).text : t('Failed'), took),
      };
  }
}
