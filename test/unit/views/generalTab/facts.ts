import type { BackupSummary } from '../../../../src/backups/types';
import type { DeviceDetails, DeviceInfo } from '../../../../src/device/types';
import type { EngineState, Job, JobProgress } from '../../../../src/engine/protocol';
import type { PageFacts } from '../../../../src/views/generalTab/pageFacts';

export const UDID = '00008130-001C35D20E92001C';
export const NOW = Date.parse('2026-03-04T12:00:00Z');
export const FOLDER = '/backups';

export const details: DeviceDetails = {
  serialNumber: 'F2LXN0PTDV1A',
  battery: { percent: 82, charging: false },
  storage: { total: 256e9, free: 74e9 },
  backup: { willEncrypt: false, requiresEncryption: false, cloudBackupEnabled: false },
  wifiConnections: false,
};

export const device: DeviceInfo = {
  udid: UDID,
  connections: ['usb'],
  trust: { kind: 'trusted' },
  identity: {
    name: 'My iPhone',
    deviceClass: 'iPhone',
    productType: 'iPhone16,1',
    productVersion: '18.2.1',
    buildVersion: '22C161',
  },
  details,
};

export const backup: BackupSummary = {
  path: `${FOLDER}/${UDID}`,
  root: FOLDER,
  role: 'current',
  udid: UDID,
  deviceName: 'My iPhone',
  productType: 'iPhone16,1',
  productVersion: '18.2',
  date: '2026-03-04T11:00:00Z',
  encrypted: true,
  state: 'finished',
  size: { bytes: 62.4e9, freed: 62.4e9, files: 90_000 },
};

export function job(kind: Job['kind'], progress: Partial<JobProgress> = {}, outcome?: Job['outcome']): Job {
  const startedAt = new Date(NOW - 90_000).toISOString();
  return {
    id: `job-${kind}`,
    kind,
    udid: UDID,
    name: 'My iPhone',
    owner: { name: 'VS Code', version: '1', pid: 1 },
    startedAt,
    progress: {
      stage: 'receiving',
      stageSince: new Date(NOW - 30_000).toISOString(),
      bytes: 0,
      files: 0,
      bytesPerSecond: 0,
      warnings: 0,
      ...progress,
    },
    ...(outcome ? { outcome } : {}),
  };
}

export function engine(parts: Partial<EngineState> = {}): EngineState {
  return {
    mux: { kind: 'ready', address: '/var/run/usbmuxd' },
    devices: [device],
    jobs: [],
    catalogue: { folders: [{ path: FOLDER, kind: 'own', state: 'ready', freeBytes: 214e9 }], backups: [] },
    ...parts,
  };
}

export function facts(parts: Partial<PageFacts> = {}): PageFacts {
  return {
    udid: UDID,
    engine: engine(),
    folder: FOLDER,
    automatic: { on: false, everyHours: 24 },
    history: [],
    reminderDays: 14,
    can: { openBackup: true, restore: true },
    now: NOW,
    platform: 'linux',
    ...parts,
  };
}

/** The page's facts for a device like the usual one, but for these parts. */
export function withDevice(parts: Partial<DeviceInfo>, more: Partial<EngineState> = {}): PageFacts {
  return facts({ engine: engine({ devices: [{ ...device, ...parts }], ...more }) });
}

export function withDetails(parts: Partial<DeviceDetails>, more: Partial<EngineState> = {}): PageFacts {
  return withDevice({ details: { ...details, ...parts } }, more);
}
