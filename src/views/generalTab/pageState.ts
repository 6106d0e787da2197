import { t } from '@vscode/l10n';
import type { BackupSummary } from '../../backups/types';
import type { DeviceDetails, DeviceInfo, TrustState } from '../../device/types';
import type { EngineState, HistoryEntry, Job } from '../../engine/protocol';
import { modelName } from '../../texts/deviceModels';
import {
  formatBytes,
  formatDateTime,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatRelative,
} from '../../texts/format';
import { jobTitle } from '../../texts/jobs';
import { problem } from '../../texts/problems';
import { stageText } from '../../texts/stages';
import type {
  BackupState,
  ChoiceState,
  HeaderState,
  HistoryRow,
  JobState,
  NoticeState,
  OptionsState,
  PageState,
  PlaceState,
  ResultState,
} from './protocol';

/** Everything the page is a function of. */
export interface PageFacts {
  readonly udid: string;
  readonly engine: EngineState | undefined;
  /** Where this device's backups go. */
  readonly folder: string;
  readonly automatic: { readonly on: boolean; readonly everyHours: number };
  readonly estimate?: {
    readonly neededBytes?: number;
    readonly freeBytes?: number;
    readonly deviceFreeBytes?: number;
  };
  readonly history: readonly HistoryEntry[];
  /** What the device was called when it was last here. */
  readonly knownName?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** An iPhone waits about this long for its passcode, then gives up. */
const PASSCODE_PATIENCE_MS = 180_000;
/** Below this an iPhone often cannot make the temporary files that a backup needs. */
const DEVICE_LOW_BYTES = 2e9;
const HISTORY_ROWS = 8;

/** The page for a device. Pure: same facts, same page. */
export function pageState(facts: PageFacts): PageState {
  const device = facts.engine?.devices.find(({ udid }) => udid === facts.udid);
  const jobs = (facts.engine?.jobs ?? []).filter(({ udid }) => udid === facts.udid);
  const running = jobs.find(({ outcome, kind }) => !outcome && kind !== 'pair');
  const ended = jobs.findLast(({ outcome, kind }) => outcome && kind !== 'pair');
  const pairing = jobs.some(({ outcome, kind }) => !outcome && kind === 'pair');
  const notice = noticeState(device, pairing, facts);
  const details = notice ? undefined : device?.details;
  const last = lastBackup(facts);
  return {
    udid: facts.udid,
    header: headerState(device, facts),
    ...(notice ? { notice } : {}),
    ...(running ? { job: jobState(running, facts.now) } : {}),
    ...(ended && !running ? { result: resultState(ended) } : {}),
    ...(details || last ? { backup: backupState(facts, last, details, running !== undefined) } : {}),
    ...(details ? { place: placeState(facts, details, running !== undefined) } : {}),
    ...(details ? { options: optionsState(facts, details) } : {}),
    history: facts.history.slice(-HISTORY_ROWS).reverse().map(historyRow),
  };
}

function headerState(device: DeviceInfo | undefined, { udid, knownName }: PageFacts): HeaderState {
  const { identity, details } = device ?? {};
  const battery = details?.battery;
  const batteryText =
    battery &&
    (battery.charging
      ? t('Battery {0}, charging', formatPercent(battery.percent / 100))
      : t('Battery {0}', formatPercent(battery.percent / 100)));
  const connection = device && (device.connections.includes('usb') ? t('USB') : t('Wi-Fi'));
  const storage = details?.storage;
  const used = storage && storage.total - storage.free;
  const rows: readonly (readonly [string, string | undefined])[] = [
    [t('Serial number'), details?.serialNumber],
    [t('UDID'), udid],
    [t('Phone number'), details?.phoneNumber],
    [t('Model'), identity?.productType],
    [t('Build'), identity?.buildVersion],
  ];
  return {
    picture: !device ? 'disconnected' : identity?.deviceClass === 'iPad' ? 'tablet' : 'phone',
    name: identity?.name ?? knownName ?? udid,
    facts: [
      identity && modelName(identity.productType),
      identity && `${identity.deviceClass === 'iPad' ? 'iPadOS' : 'iOS'} ${identity.productVersion}`,
      batteryText,
      connection,
    ].filter((fact) => fact !== undefined),
    ...(storage && used !== undefined && storage.total > 0
      ? {
          capacity: {
            fraction: used / storage.total,
            text: t(
              '{0} of {1} used, {2} free',
              formatBytes(used),
              formatBytes(storage.total),
              formatBytes(storage.free),
            ),
          },
        }
      : {}),
    details: rows.flatMap(([label, value]) => (value ? [{ label, value }] : [])),
  };
}

function noticeState(device: DeviceInfo | undefined, pairing: boolean, { engine }: PageFacts): NoticeState | undefined {
  if (!engine) {
    return { tone: 'plain', title: t('Connecting'), text: t('iOS Backup is looking for the device.'), busy: true };
  }
  if (!device) {
    return engine.mux.kind === 'ready'
      ? {
          tone: 'plain',
          title: t('Not connected'),
          text: t('Connect the device with a cable and unlock it.'),
          busy: true,
        }
      : {
          tone: 'warning',
          title: t('Devices cannot be reached'),
          text: problem('muxAbsent').text,
          busy: false,
          action: { label: t('Help with Connecting'), intent: 'showMuxHelp' },
        };
  }
  return trustNotice(device.trust, pairing, device.identity?.deviceClass ?? t('device'));
}

/** The trust flow: what is so, and the one thing to do. It goes on by itself when the person acts on the device. */
function trustNotice(trust: TrustState, pairing: boolean, kind: string): NoticeState | undefined {
  const ask = { label: t('Trust This Device'), intent: 'trust' } as const;
  const again = { label: t('Pair Again'), intent: 'trust' } as const;
  const stop = { label: t('Cancel'), intent: 'cancelTrust' } as const;
  switch (trust.kind) {
    case 'trusted':
      return undefined;
    case 'unknown':
      return { tone: 'plain', title: t('Connecting'), text: t('Asking the {0} who it is.', kind), busy: true };
    case 'untrusted':
      return pairing
        ? {
            tone: 'plain',
            title: t('Connecting'),
            text: t('Asking the {0} for its trust.', kind),
            busy: true,
            action: stop,
          }
        : {
            tone: 'plain',
            title: t('This {0} does not trust this computer yet', kind),
            text: t('To back it up, it must trust this computer. You are asked for its passcode once.'),
            busy: false,
            action: ask,
          };
    case 'waitingForTrust':
      return {
        tone: 'plain',
        title: t('Unlock your {0}, tap Trust and enter its passcode', kind),
        text: t('The question is on its screen now. This page goes on by itself.'),
        busy: true,
        action: pairing ? stop : ask,
      };
    case 'locked':
      return {
        tone: 'warning',
        title: t('The {0} is locked', kind),
        text: t('Unlock it; it then asks whether to trust this computer.'),
        busy: pairing,
        action: pairing ? stop : ask,
      };
    case 'denied':
      return {
        tone: 'warning',
        title: t('Trust was declined'),
        text: t('It asks only once per connection: unplug the {0}, plug it in again and tap Trust.', kind),
        busy: false,
        action: ask,
      };
    case 'forbidden':
      return {
        tone: 'bad',
        title: t('Pairing is not allowed'),
        text: t(
          'Its management or a profile forbids pairing with this computer. Ask the organization that manages it.',
        ),
        busy: false,
      };
    case 'stale':
      return {
        tone: 'warning',
        title: t('The {0} has forgotten this computer', kind),
        text: t('That happens after Reset Location & Privacy, an erase or a restore. Pairing again helps.'),
        busy: pairing,
        action: pairing ? stop : again,
      };
    case 'wrongKey':
      return {
        tone: 'bad',
        title: t('This is not the {0} that was trusted', kind),
        text: t('Whatever answers does not hold its key. Disconnect it, unless you have just erased or repaired it.'),
        busy: false,
        action: again,
      };
    case 'failed':
      return {
        tone: 'bad',
        title: t('Pairing did not work'),
        text: t('Unplug the {0}, plug it in again and try once more. The log tells more.', kind),
        busy: false,
        action: again,
      };
  }
}

function jobState(job: Job, now: number): JobState {
  const { progress } = job;
  const { stage, fraction, bytes, files, bytesPerSecond, warnings } = progress;
  const left = Math.max(0, Date.parse(progress.stageSince) + PASSCODE_PATIENCE_MS - now);
  return {
    id: job.id,
    title: jobTitle(job),
    stage: stageText(stage),
    ...(fraction === undefined ? {} : { fraction }),
    facts: [
      fraction === undefined ? '' : formatPercent(fraction),
      bytes > 0 ? formatBytes(bytes) : '',
      files > 0 ? t('{0} files', formatNumber(files)) : '',
      bytesPerSecond > 0 ? formatRate(bytesPerSecond) : '',
      formatDuration(now - Date.parse(job.startedAt)),
      warnings > 0 ? t('{0} files could not be read', formatNumber(warnings)) : '',
      job.owner.name === 'VS Code' ? '' : t('started by {0}', job.owner.name),
    ].filter((fact) => fact !== ''),
    canCancel: stage !== 'cancelling' && stage !== 'committing',
    ...(stage === 'waitingForPasscode'
      ? {
          passcode: {
            title: t('Enter the passcode on {0}', job.name),
            text: t('It asks before every backup and change of password. {0} left.', formatDuration(left)),
          },
        }
      : {}),
  };
}

function resultState({ id, kind, name, outcome }: Job): ResultState {
  const base = { jobId: id };
  if (!outcome || outcome.kind === 'cancelled') {
    return {
      ...base,
      tone: 'plain',
      title: outcome?.by === 'device' ? t('Cancelled on the device') : t('Cancelled'),
      text: kind === 'backup' ? t('The last backup is unchanged. What was copied is continued next time.') : '',
    };
  }
  if (outcome.kind === 'failed') {
    const { text, next } = problem(outcome.error.code, outcome.error.details);
    return { ...base, tone: 'bad', title: text, text: next };
  }
  switch (kind) {
    case 'backup':
      return {
        ...base,
        tone: 'good',
        title: t('{0} is backed up', name),
        text: t('Every file was checked to be there.'),
      };
    case 'encryption':
      return {
        ...base,
        tone: 'good',
        title: t('The change of encryption is done'),
        text: t('The next backup uses it.'),
      };
    case 'restore':
      return {
        ...base,
        tone: 'good',
        title: t('The backup was sent to {0}', name),
        text: t('It restarts and goes on by itself. Apps come from the App Store.'),
      };
    default:
      return { ...base, tone: 'good', title: t('Done'), text: '' };
  }
}

/** The newest whole backup of this device on this computer, wherever it is kept. */
function lastBackup({ engine, udid }: PageFacts): BackupSummary | undefined {
  return engine?.catalogue.backups.find((backup) => backup.udid === udid && backup.state === 'finished');
}

function backupState(
  facts: PageFacts,
  last: BackupSummary | undefined,
  details: DeviceDetails | undefined,
  busy: boolean,
): BackupState {
  const size = last?.size ? formatBytes(last.size.bytes) : undefined;
  const encrypted = last && (last.encrypted ? t('encrypted') : t('not encrypted'));
  return {
    tone: last ? 'good' : 'plain',
    title: last?.date
      ? t('{0} ({1})', formatDateTime(last.date), formatRelative(last.date, facts.now))
      : last
        ? t('There is a backup on this computer')
        : t('No backup on this computer yet'),
    facts: [last && t('Last backup to this computer'), size, encrypted].filter((fact) => fact !== undefined),
    next: details ? nextFacts(facts, details) : [],
    canBackUp: details !== undefined && !busy,
    canOpen: last !== undefined,
    canRestore: details !== undefined && !busy && last !== undefined,
  };
}

function nextFacts({ estimate, engine, folder }: PageFacts, details: DeviceDetails): BackupState['next'] {
  const { neededBytes, freeBytes = folderFree(engine, folder) } = estimate ?? {};
  const deviceFree = details.storage?.free ?? estimate?.deviceFreeBytes;
  const next: { tone: BackupState['tone']; text: string }[] = [];
  if (neededBytes !== undefined) next.push({ tone: 'plain', text: t('Next one: about {0}', formatBytes(neededBytes)) });
  if (freeBytes !== undefined) {
    const tight = neededBytes !== undefined && neededBytes > freeBytes;
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

function folderFree(engine: EngineState | undefined, folder: string): number | undefined {
  return engine?.catalogue.folders.find(({ path }) => path === folder)?.freeBytes;
}

function placeState({ folder, engine }: PageFacts, { backup }: DeviceDetails, busy: boolean): PlaceState {
  const cloudOn = backup.cloudBackupEnabled;
  const waiting = busy ? t('Wait until the running job has ended.') : undefined;
  const cloudLocked = cloudOn === undefined ? t('The device does not say or does not allow this setting.') : waiting;
  const encryptionLocked = backup.requiresEncryption ? t('Its management requires encrypted backups.') : waiting;
  const state = engine?.catalogue.folders.find(({ path }) => path === folder)?.state;
  return {
    cloud: choice(
      cloudOn === true,
      t('The most important data, when the device is locked, on power and on Wi-Fi.'),
      cloudLocked,
    ),
    computer: choice(
      cloudOn !== true,
      t('All of its data, kept on this computer. Back Up Now does this whatever is chosen here.'),
      cloudLocked,
    ),
    folder: {
      text: folder,
      ...(state === 'offline'
        ? { warning: t('Its disk is not connected.') }
        : state === 'noPermission'
          ? { warning: problem('noPermission').text }
          : {}),
    },
    encryption: {
      ...choice(
        backup.willEncrypt,
        t(
          'Also keeps saved passwords, Health, HomeKit, Wi-Fi settings, call history and website history. Nobody can open it without its password, you included.',
        ),
        encryptionLocked,
      ),
      canChangePassword: backup.willEncrypt && !busy,
    },
  };
}

function optionsState({ automatic }: PageFacts, details: DeviceDetails): OptionsState {
  return {
    wifi: choice(
      details.wifiConnections === true,
      t('Shows it here without a cable, on the same network. Slower, and it needs one connection by cable first.'),
      details.wifiConnections === undefined ? t('The device does not tell this setting.') : undefined,
    ),
    automatic: {
      ...choice(
        automatic.on,
        t('While VS Code is open. The device asks for its passcode each time: that cannot be avoided.'),
        undefined,
      ),
      everyHours: automatic.everyHours,
    },
  };
}

function choice(checked: boolean, text: string, lockedBecause: string | undefined): ChoiceState {
  return { checked, text, ...(lockedBecause === undefined ? {} : { lockedBecause }) };
}

function historyRow({ outcome, startedAt, endedAt, error, bytes, files, full }: HistoryEntry): HistoryRow {
  const when = formatDateTime(endedAt);
  const took = formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
  const much = t('{0}, {1} files, {2}', formatBytes(bytes), formatNumber(files), took);
  switch (outcome) {
    case 'done':
      return { tone: 'good', when, what: full ? t('Full backup: {0}', much) : t('Backup: {0}', much) };
    case 'cancelled':
      return { tone: 'plain', when, what: t('Cancelled after {0}', took) };
    case 'failed':
      return { tone: 'bad', when, what: error ? problem(error.code, error.details).text : t('Failed') };
  }
}
