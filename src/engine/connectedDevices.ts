import { abortable } from '../base/abort';
import type { Disposable } from '../base/disposable';
import { AppError, isAppError, isCancellation } from '../base/errors';
import type { Log } from '../base/log';
import {
  backUp,
  changePassword,
  DeviceWatcher,
  enableCloudBackup,
  muxVersion,
  Notification,
  NotificationProxy,
  openTrustedDevice,
  pairDevice,
  readDetails,
  readIdentity,
  restore,
  trustStateOf,
  unpairDevice,
  UsbmuxClient,
  type DeviceIdentity,
  type MuxAddress,
  type TrustState,
} from '../device';
import { modelName } from '../texts/deviceModels';
import type {
  DeviceBackupOutcome,
  DeviceBackupRequest,
  DeviceEncryptionRequest,
  DeviceEvents,
  DeviceProbe,
  DeviceRestoreOutcome,
  DeviceRestoreRequest,
  DevicesPort,
} from './ports';

/** Changes of what a probe reads. */
const OBSERVED = [
  Notification.backupDomainChanged,
  'com.apple.mobile.lockdown.device_name_changed',
  'com.apple.mobile.lockdown.phone_number_changed',
  'com.apple.mobile.lockdown.disk_usage_changed',
  'com.apple.mobile.application_installed',
  'com.apple.mobile.application_uninstalled',
];

/** A phone is back after one or two minutes; what it does behind its progress bar does not need this computer. */
const RESTART_LIMIT_MS = 20 * 60_000;
/** The rest is counted; a list of thousands helps nobody. */
const MAX_NOT_READ = 100;

/** The devices that usbmuxd reaches. */
export class ConnectedDevices implements DevicesPort {
  readonly #mux: UsbmuxClient;
  readonly #log: Log;
  readonly #silenceMs: number | undefined;

  /** @param silenceMs Only tests ask for less than the usual limits. */
  constructor(address: MuxAddress, log: Log, silenceMs?: number) {
    this.#mux = new UsbmuxClient(address, log);
    this.#log = log;
    this.#silenceMs = silenceMs;
  }

  watch(events: DeviceEvents): Disposable {
    const watcher = new DeviceWatcher(this.#mux.address, this.#log, {
      state: (state) => events.state(state),
      attached: ({ udid, connection }) => events.attached(udid, connection),
      detached: ({ udid, connection }) => events.detached(udid, connection),
      paired: ({ udid }) => events.paired(udid),
    });
    watcher.start();
    return watcher;
  }

  async probe(udid: string, signal: AbortSignal): Promise<DeviceProbe> {
    try {
      await using device = await this.#open(udid, signal);
      return { identity: device.identity, trust: { kind: 'trusted' }, details: await readDetails(device, signal) };
    } catch (error) {
      const trust = isCancellation(error) ? undefined : trustOf(error);
      if (!trust) throw error;
      const identity = await this.#identity(udid, signal);
      return { trust, ...(identity && { identity }) };
    }
  }

  async observe(udid: string, changed: () => void, signal: AbortSignal): Promise<void> {
    await using device = await this.#open(udid, signal);
    // The signal outlives many connections of one device.
    const ended = new AbortController();
    await new Promise<void>((resolve, reject) => {
      const observe = async () => {
        const end = (error: unknown) => {
          if (error === undefined) resolve();
          else
            reject(
              error instanceof Error ? error : new AppError('deviceGone', 'the observing ended', { cause: error }),
            );
        };
        const proxy = await NotificationProxy.open(device, {
          log: this.#log,
          signal,
          onNotification: changed,
          onClosed: end,
        });
        const stop = () => void proxy.close().finally(resolve);
        signal.addEventListener('abort', stop, { once: true, signal: ended.signal });
        if (signal.aborted) stop();
        await proxy.observe(...OBSERVED);
        // What changed since the last question, and before this, nobody has told.
        changed();
      };
      observe().catch(reject);
    }).finally(() => ended.abort());
  }

  pair(udid: string, told: (trust: TrustState) => void, signal: AbortSignal): Promise<void> {
    return pairDevice(this.#mux, udid, { log: this.#log, signal, onState: told });
  }

  async unpair(udid: string, signal: AbortSignal): Promise<void> {
    await unpairDevice(this.#mux, udid, { log: this.#log, signal });
  }

  async setWifiConnections(udid: string, on: boolean, signal: AbortSignal): Promise<void> {
    await using device = await this.#open(udid, signal);
    await device.setValue('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections', on, signal);
  }

  async setCloudBackup(udid: string, on: boolean, signal: AbortSignal): Promise<void> {
    await using device = await this.#open(udid, signal);
    await enableCloudBackup(device, on, { log: this.#log, signal });
  }

  async backUp(udid: string, { store, full, report, signal }: DeviceBackupRequest): Promise<DeviceBackupOutcome> {
    await using device = await this.#open(udid, signal);
    const productName = modelName(device.identity.productType);
    const result = await backUp(device, store, { log: this.#log, signal, report, full, productName });
    const { bytes, files, encrypted, skippedContents: skipped, skippedCount: count } = result;
    const unread = result.skipped.slice(0, MAX_NOT_READ).map(({ devicePath: path, reason }) => ({ path, reason }));
    for (const { path, reason } of unread) this.#log.warn(`the device could not read ${path}: ${reason}`);
    const made = { full: result.full ?? full, bytes, files, encrypted, skipped };
    return count > 0 ? { ...made, notRead: { count, files: unread } } : made;
  }

  async changeEncryption(udid: string, { change, report, signal }: DeviceEncryptionRequest): Promise<void> {
    await using device = await this.#open(udid, signal);
    await changePassword(device, change, { log: this.#log, signal, report });
  }

  muxVersion(): Promise<string | undefined> {
    return muxVersion();
  }

  async restore(udid: string, request: DeviceRestoreRequest): Promise<DeviceRestoreOutcome> {
    const { store, sourceUdid, password, options, report, signal } = request;
    await using device = await this.#open(udid, signal);
    // From before the restore on: the restart is not to be missed.
    const restart = this.#watchRestart(udid);
    try {
      return await restore(device, store, {
        log: this.#log,
        signal,
        report,
        sourceIdentifier: sourceUdid,
        restore: options,
        waitForRestart: (aborted) =>
          abortable(restart.done, AbortSignal.any([aborted, AbortSignal.timeout(RESTART_LIMIT_MS)])),
        ...(password !== undefined && { password }),
      });
    } finally {
      restart.dispose();
    }
  }

  /** `done` resolves when the device has gone and come back. */
  #watchRestart(udid: string): Disposable & { readonly done: Promise<void> } {
    let resolve: () => void = () => {};
    const done = new Promise<void>((settle) => (resolve = settle));
    let gone = false;
    const watcher = new DeviceWatcher(this.#mux.address, this.#log, {
      detached: (device) => (gone ||= device.udid === udid),
      attached: (device) => {
        if (gone && device.udid === udid) resolve();
      },
    });
    watcher.start();
    return { done, dispose: () => watcher.dispose() };
  }

  #open(udid: string, signal: AbortSignal) {
    return openTrustedDevice(this.#mux, udid, { log: this.#log, signal, silenceMs: this.#silenceMs });
  }

  /** What it tells to anybody; a device that does not even tell that keeps its state of trust. */
  async #identity(udid: string, signal: AbortSignal): Promise<DeviceIdentity | undefined> {
    try {
      const { deviceId } = await this.#mux.findDevice(udid, signal);
      return await readIdentity(this.#mux, deviceId, { log: this.#log, signal });
    } catch (error) {
      if (isCancellation(error) || isAppError(error, 'deviceGone') || isAppError(error, 'noDevice')) throw error;
      return undefined;
    }
  }
}

function trustOf(error: unknown): TrustState | undefined {
  if (isAppError(error, 'restoreMode')) return { kind: 'failed', message: error.message };
  return trustStateOf(error);
}
