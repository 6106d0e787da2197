import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { throwIfAborted } from '../../base/abort';
import type { PlistValue } from '../../plist';
import { startTlsClient } from '../io/tls';
import type { SocketStream } from '../io/socketStream';
import type { MuxDevice } from '../usbmux/muxDevice';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import type { DeviceIdentity } from '../types';
import type { LockdownClient } from './lockdownClient';
import { isSessionOver } from './lockdownError';
import { loadPairRecord, openFirstSession, openSession, type SessionTarget } from './openSession';
import type { SessionKeys } from './sessionKeys';
import type { StartServiceOptions, TrustedDevice } from './trustedDevice';

/** Sooner than the device does it, after about ten seconds: its end would be met in the middle of a request. */
const IDLE_CLOSE_MS = 8_000;

export interface OpenOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Only tests ask for less than the usual limits. */
  readonly silenceMs?: number | undefined;
}

/**
 * Opens a device that this computer is paired with.
 * @throws AppError `deviceNotFound`, `noDevice`, `notTrusted`, `trustStale`, `deviceLocked`, `wrongDeviceKey`,
 * `restoreMode`, `deviceGone` … Never pairs, and never touches a pair record.
 */
export async function openTrustedDevice(
  mux: UsbmuxClient,
  udid: string,
  { log, signal, silenceMs }: OpenOptions,
): Promise<TrustedDevice> {
  const device = await mux.findDevice(udid, signal);
  const record = await loadPairRecord(mux, udid, signal);
  const target = { mux, udid, deviceId: device.deviceId, log };
  const { lockdown, keys, identity } = await openFirstSession(target, record, signal);
  const opened = new PairedDevice(target, device, keys, identity, lockdown);
  return silenceMs === undefined ? opened : Object.assign(opened, { silenceMs });
}

class PairedDevice implements TrustedDevice {
  readonly udid: string;
  readonly connection: 'usb' | 'network';
  readonly deviceId: number;
  readonly identity: DeviceIdentity;
  readonly #target: SessionTarget;
  readonly #keys: SessionKeys;
  #session: LockdownClient | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** lockdown answers one request at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(
    target: SessionTarget,
    device: MuxDevice,
    keys: SessionKeys,
    identity: DeviceIdentity,
    session: LockdownClient,
  ) {
    this.udid = device.udid;
    this.connection = device.connection;
    this.deviceId = device.deviceId;
    this.identity = identity;
    this.#target = target;
    this.#keys = keys;
    this.#session = session;
    this.#closeWhenIdle();
  }

  getValue(domain: string | undefined, key?: string, signal?: AbortSignal): Promise<PlistValue | undefined> {
    return this.#inSession((lockdown) => lockdown.getValue(domain, key, signal), signal);
  }

  setValue(domain: string | undefined, key: string, value: PlistValue, signal?: AbortSignal): Promise<void> {
    return this.#inSession((lockdown) => lockdown.setValue(domain, key, value, signal), signal);
  }

  async startService(
    name: string,
    { escrow = false }: StartServiceOptions = {},
    signal?: AbortSignal,
  ): Promise<SocketStream> {
    const { mux, log } = this.#target;
    const bag = escrow ? this.#keys.record.escrowBag : undefined;
    const service = await this.#inSession((lockdown) => lockdown.startService(name, bag, signal), signal);
    log.debug(`${name} started on port ${service.port}${service.tls ? ' with TLS' : ''}`);
    const stream = await mux.connect(this.deviceId, service.port, signal);
    return service.tls ? startTlsClient(stream, { ...this.#keys.tls(), signal }) : stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#dropSession();
  }

  /** Runs a request, after those before it; once more in a new session if the old one turns out to be over. */
  #inSession<T>(request: (lockdown: LockdownClient) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const run = async (): Promise<T> => {
      throwIfAborted(signal);
      if (this.#disposed) throw new Error('the device was closed by its user');
      clearTimeout(this.#idleTimer);
      try {
        const reused = this.#session?.usable === true;
        try {
          return await request(await this.#openSession(signal));
        } catch (error) {
          const over = isSessionOver(error) || (reused && isAppError(error, 'deviceGone'));
          if (!over) throw error;
          await this.#dropSession();
          return await request(await this.#openSession(signal));
        }
      } finally {
        if (this.#disposed) await this.#dropSession();
        else this.#closeWhenIdle();
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => {});
    return result;
  }

  async #openSession(signal: AbortSignal | undefined): Promise<LockdownClient> {
    if (this.#session?.usable) return this.#session;
    this.#session = await openSession(this.#target, this.#keys, signal);
    return this.#session;
  }

  #closeWhenIdle(): void {
    this.#idleTimer = setTimeout(() => void this.#dropSession(), IDLE_CLOSE_MS);
    this.#idleTimer.unref();
  }

  async #dropSession(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}
