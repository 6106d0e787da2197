import { t } from '@vscode/l10n';
import type { BackupSummary } from '../../backups/types';
import type { DeviceDetails } from '../../device/types';
import { formatBytes, formatDateTime, formatRelative } from '../../texts/format';
import { folderState } from './folderState';
import type { PageFacts } from './pageFacts';
import type { BackupState, Tone } from './protocol';

/** Below this an iPhone often cannot make the temporary files that a backup needs. */
const DEVICE_LOW_BYTES = 2e9;

interface Now {
  readonly last: BackupSummary | undefined;
  /** Absent while the device cannot be used. */
  readonly details: DeviceDetails | undefined;
  readonly busy: boolean;
}

/** The last backup, what the next one needs, and what can be done. */
export function backupState(facts: PageFacts, { last, details, busy }: Now): BackupState {
  const size = last?.size ? formatBytes(last.size.bytes) : undefined;
  const encrypted = last && (last.encrypted ? t('encrypted') : t('not encrypted'));
  const ready = details !== undefined && !busy;
  return {
    tone: last ? 'good' : 'plain',
    title: last?.date
      ? t('{0} ({1})', formatDateTime(last.date), formatRelative(last.date, facts.now))
      : last
        ? t('There is a backup on this computer')
        : t('No backup on this computer yet'),
    facts: [last && t('Last backup to this computer'), size, encrypted].filter((fact) => fact !== undefined),
    next: ready ? nextFacts(facts, details, last) : [],
    canBackUp: ready,
    canManage: last !== undefined,
    ...(facts.can.openBackup ? { canOpen: last !== undefined } : {}),
    ...(facts.can.restore ? { canRestore: ready && hasBackup(facts) } : {}),
  };
}

/** Another device's can be restored too: to a replacement. */
function hasBackup({ engine }: PageFacts): boolean {
  return engine?.catalogue.backups.some(({ state }) => state === 'finished') === true;
}

/** Bytes that the newest backup copied which had an earlier one to build on. */
function lastChange({ history }: PageFacts): number | undefined {
  return history.find(({ kind, outcome, full }) => kind === undefined && outcome === 'done' && !full)?.bytes;
}

/** The device tells no size beforehand: upper bounds, and what the last one took. A warning where the next may not fit. */
function nextFacts(facts: PageFacts, details: DeviceDetails, last: BackupSummary | undefined): BackupState['next'] {
  const { neededBytes } = facts.estimate ?? {};
  const folder = folderState(facts);
  const freeBytes = facts.estimate?.freeBytes ?? folder?.freeBytes;
  const deviceFree = details.storage?.free ?? facts.estimate?.deviceFreeBytes;
  const next: { tone: Tone; text: string }[] = [];
  if (folder?.state === 'offline') {
    next.push({ tone: 'warning', text: t('The disk of the backup folder is not connected.') });
  }
  const change = last && lastChange(facts);
  if (neededBytes !== undefined) {
    const size = formatBytes(neededBytes);
    next.push({
      tone: 'plain',
      text: !last
        ? t('The first one: {0} at most', size)
        : change !== undefined
          ? t('The next one copies what has changed: last time {0}, {1} at most', formatBytes(change), size)
          : t('The next one copies what has changed, {0} at most', size),
    });
  }
  if (freeBytes !== undefined) {
    // A later backup shares with the last one what has not changed.
    const likely = last ? change : neededBytes;
    const tight = likely !== undefined && likely > freeBytes;
    next.push({
      tone: tight ? 'warning' : 'plain',
      text: tight
        ? t('Only {0} free on this computer: it may not fit', formatBytes(freeBytes))
        : t('{0} free on this computer', formatBytes(freeBytes)),
    });
  }
  if (deviceFree !== undefined && deviceFree < DEVICE_LOW_BYTES) {
    next.push({
      tone: 'warning',
      text: t(
        'Only {0} free on the device: backups may fail. Offloading apps makes room and keeps their data.',
        formatBytes(deviceFree),
      ),
    });
  }
  return next;
}
