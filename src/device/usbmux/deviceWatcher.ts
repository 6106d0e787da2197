import fs from 'node:fs';
import path from 'node:path';
import type { Disposable } from '../../base/disposable';
import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { isPlistError, numberOf, type PlistDict } from '../../plist';
import type { MuxState } from '../types';
import { formatMuxAddress, type MuxAddress } from './muxAddress';
import { MuxConnection } from './muxConnection';
import { decodeMuxDevice, type MuxDevice } from './muxDevice';
import { ResultNumber } from './resultNumber';

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export interface DeviceWatcherEvents {
  attached?(device: MuxDevice): void;
  /** Also for every device that was there when the daemon goes. */
  detached?(device: MuxDevice): void;
  /** Some program has paired with the device. */
  paired?(device: MuxDevice): void;
  state?(state: MuxState): void;
}

/**
 * Follows which devices are connected, for as long as it lives: when the daemon goes or was never there, it tries again,
 * after 1 s, then at growing intervals up to 30 s, and at once when the daemon's socket appears.
 */
export class DeviceWatcher implements Disposable {
  readonly #address: MuxAddress;
  readonly #log: Log;
  readonly #events: DeviceWatcherEvents;
  readonly #abort = new AbortController();
  readonly #devices = new Map<number, MuxDevice>();
  #state: MuxState = { kind: 'connecting' };
  #started = false;

  constructor(address: MuxAddress, log: Log, events: DeviceWatcherEvents) {
    this.#address = address;
    this.#log = log;
    this.#events = events;
  }

  get state(): MuxState {
    return this.#state;
  }

  /** Every connection that is there now. */
  get devices(): readonly MuxDevice[] {
    return [...this.#devices.values()];
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#run();
  }

  /** Ends without further events. */
  dispose(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#listen(() => (retryMs = FIRST_RETRY_MS));
      } catch (error) {
        if (signal.aborted) return;
        this.#lost(error);
      }
      await this.#pause(retryMs);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  /** Ends only by failing. */
  async #listen(onReady: () => void): Promise<never> {
    const { signal } = this.#abort;
    const connection = await MuxConnection.open(this.#address, signal);
    const close = () => void connection.close();
    signal.addEventListener('abort', close);
    try {
      const reply = await connection.request('Listen', {}, { signal });
      const number = numberOf(reply.get('Number'));
      if (number !== ResultNumber.ok) throw new Error(`usbmuxd answered Listen with number ${number}`);
      onReady();
      this.#setState({ kind: 'ready', address: formatMuxAddress(this.#address) });
      for (;;) this.#handle(await connection.nextEvent());
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }

  #handle(event: PlistDict): void {
    if (this.#abort.signal.aborted) return;
    const type = event.get('MessageType');
    const deviceId = numberOf(event.get('DeviceID'));
    const known = deviceId === undefined ? undefined : this.#devices.get(deviceId);
    if (type === 'Attached') this.#attach(event);
    else if (type === 'Detached' && known) this.#detach(known);
    else if (type === 'Paired' && known) this.#events.paired?.(known);
    else
      this.#log.debug(
        `usbmuxd: event ${typeof type === 'string' ? type : '(unnamed)'} of device ${deviceId} left aside`,
      );
  }

  #attach(event: PlistDict): void {
    let device: MuxDevice;
    try {
      device = decodeMuxDevice(event);
    } catch (error) {
      if (!isPlistError(error)) throw error;
      return this.#log.warn(`usbmuxd announces a device that cannot be read: ${error.message}`);
    }
    const previous = this.#devices.get(device.deviceId);
    if (previous) this.#detach(previous);
    this.#devices.set(device.deviceId, device);
    this.#log.info(`device ${device.udid} attached by ${device.connection} as ${device.deviceId}`);
    this.#events.attached?.(device);
  }

  #detach(device: MuxDevice): void {
    this.#devices.delete(device.deviceId);
    this.#log.info(`device ${device.udid} (${device.deviceId}) detached`);
    this.#events.detached?.(device);
  }

  #lost(error: unknown): void {
    const address = formatMuxAddress(this.#address);
    if (isAppError(error, 'muxRefused')) this.#setState({ kind: 'refused', address });
    else if (isAppError(error, 'muxSilent')) this.#setState({ kind: 'silent', address });
    // It was there and went, or answers what is not usbmux: either way there is no daemon to use.
    else this.#setState({ kind: 'absent', address });
    this.#log.debug(`usbmuxd: ${error instanceof Error ? error.message : String(error)}`);
    for (const device of this.devices) this.#detach(device);
  }

  #setState(state: MuxState): void {
    if (state.kind === this.#state.kind) return;
    this.#state = state;
    this.#log.info(`usbmuxd: ${state.kind}`);
    this.#events.state?.(state);
  }

  /** Waits for the time, or until the daemon's socket appears: on Linux it is often started by the first device. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        watcher?.close();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      const watcher = this.#watchSocket(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }

  #watchSocket(wake: () => void): fs.FSWatcher | undefined {
    if (this.#address.kind !== 'unix') return undefined;
    const { dir, base } = path.parse(this.#address.path);
    try {
      const watcher = fs.watch(dir, { persistent: false }, (_event, name) => {
        // The socket is listed a moment before the daemon accepts.
        if (name === base) setTimeout(wake, 50);
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return undefined; // The folder is not there, or cannot be watched: the timer is enough.
    }
  }
}
