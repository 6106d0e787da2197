import { AppError } from '../../src/base/errors';
import type { BackupSummary, CatalogueState } from '../../src/backups/types';
import type { BackupStore } from '../../src/device';
import type {
  BackupsPort,
  DeviceBackupRequest,
  DeviceEvents,
  DeviceProbe,
  DevicesPort,
  EnginePorts,
  Staging,
  StagingRequest,
} from '../../src/engine/ports';

/** A device and a disk that do what the test says; every method can be replaced. */
export class FakePorts implements EnginePorts {
  readonly udid = '00008030-00FA6E0000000001';
  /** What happened, in order. */
  readonly calls: string[] = [];
  events: DeviceEvents | undefined;
  probe: DeviceProbe = {
    identity: { name: 'Ann’s iPhone', deviceClass: 'iPhone', productType: 'iPhone16,1', productVersion: '18.2' },
    trust: { kind: 'trusted' },
    details: { backup: { willEncrypt: false, requiresEncryption: false } },
  };
  /** What the device does in a backup; by default it sends three files. */
  backUpWork: (request: DeviceBackupRequest) => Promise<void> = async ({ report }) => {
    report({ stage: 'receiving', fraction: 1, bytes: 30, files: 3 });
  };
  resumed = false;
  incremental = true;
  freeBytes = 1e12;
  changed: () => void = () => {};

  readonly devices: DevicesPort = {
    watch: (events) => {
      this.events = events;
      events.state({ kind: 'ready', address: 'fake' });
      events.attached(this.udid, 'usb');
      return { dispose: () => this.calls.push('unwatch') };
    },
    probe: () => {
      this.calls.push('probe');
      return Promise.resolve(this.probe);
    },
    observe: (_udid, changed, signal) => {
      this.changed = changed;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    pair: () => Promise.resolve(),
    unpair: () => Promise.resolve(),
    setWifiConnections: () => Promise.resolve(),
    setCloudBackup: () => Promise.resolve(),
    backUp: async (_udid, request) => {
      this.calls.push(`backUp full=${String(request.full)}`);
      await this.backUpWork(request);
      return { full: request.full, bytes: 30, files: 3, encrypted: false, skipped: new Set() };
    },
    changeEncryption: () => Promise.resolve(),
    restore: () => Promise.resolve({ bytes: 0, files: 0, restarted: undefined }),
    muxVersion: () => Promise.resolve('1.1.1'),
  };

  readonly backups: BackupsPort = {
    watch: (folders, changed) => {
      const state: CatalogueState = {
        folders: folders.map((path) => ({ path, kind: 'own', state: 'ready' })),
        backups: [],
      };
      this.calls.push(`watch ${folders.join(' ')}`);
      changed(state);
      return { rescan: () => Promise.resolve(state), dispose: () => this.calls.push(`unwatch ${folders.join(' ')}`) };
    },
    recover: (folder) => {
      this.calls.push(`recover ${folder}`);
      return Promise.resolve();
    },
    freeSpace: () => Promise.resolve(this.freeBytes),
    openStaging: (request) => Promise.resolve(this.#staging(request)),
    verify: ({ path, level }) =>
      Promise.resolve({
        path,
        level,
        startedAt: '',
        endedAt: '',
        files: 0,
        bytes: 0,
        findings: [],
        damages: 0,
        notChecked: [],
        hashesKnown: false,
      }),
    repair: (path) => Promise.resolve({ path, repaired: 0, left: 0 }),
    delete: () => Promise.resolve(),
    archive: (path) => Promise.resolve(this.#summary(path)),
    label: () => Promise.resolve(),
    move: (path) => Promise.resolve(this.#summary(path)),
    previewRetention: () => Promise.resolve({ keep: [], remove: [] }),
    applyRetention: () => Promise.resolve([]),
    describe: (path) => Promise.resolve(this.#summary(path)),
    sizeOf: () => Promise.resolve(0),
    openSource: () => Promise.resolve({ store: {} as BackupStore, close: () => Promise.resolve() }),
  };

  #staging({ folder, udid, full, fresh }: StagingRequest): Staging {
    this.calls.push(`openStaging full=${String(full)} fresh=${String(fresh)}`);
    return {
      store: {} as BackupStore,
      resumed: this.resumed && !fresh,
      incremental: this.incremental,
      commit: () => {
        this.calls.push('commit');
        return Promise.resolve(this.#summary(`${folder}/${udid}`));
      },
      close: () => {
        this.calls.push('close');
        return Promise.resolve();
      },
    };
  }

  #summary(path: string): BackupSummary {
    return { path, root: '/backups', role: 'current', udid: this.udid, encrypted: false, state: 'finished' };
  }
}

/** Work that ends only when it is cancelled, as a device that says nothing. */
export function untilCancelled({ signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new AppError('deviceGone', 'its connection was closed')));
  });
}
