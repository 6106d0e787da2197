import { delay } from '../base/abort';
import type { Disposable } from '../base/disposable';
import { AppError, isAppError, toErrorData } from '../base/errors';
import type { Log } from '../base/log';
import type { DeviceInfo, MuxState, TrustState } from '../device';
import type { DeviceProbe, DevicesPort } from './ports';

/** Battery and free space change without an event. */
const REFRESH_MS = 60_000;
/** What cannot be asked now is asked again, later each time. */
const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000];
/** A device tells several things about one change. */
const SETTLE_MS = 150;
/** States that end by something a person does on the device, of which it tells nobody who is not trusted. */
const POLLED: readonly TrustState['kind'][] = ['locked', 'unknown', 'failed'];
const POLL_MS = 5000;
/** What pairing has found out and a question cannot: it finds only that there is no pair record. */
const REMEMBERED: readonly TrustState['kind'][] = ['denied', 'forbidden'];

export interface DeviceBookEvents {
  mux(state: MuxState): void;
  devices(devices: readonly DeviceInfo[]): void;
  /** While a job runs on it, the device is left alone. */
  isBusy(udid: string): boolean;
}

/** Every connected device and what is known of it, kept up to date. */
export class DeviceBook implements Disposable {
  readonly #port: DevicesPort;
  readonly #log: Log;
  readonly #events: DeviceBookEvents;
  readonly #pages = new Map<string, DevicePage>();
  #watch: Disposable | undefined;

  constructor(port: DevicesPort, log: Log, events: DeviceBookEvents) {
    this.#port = port;
    this.#log = log;
    this.#events = events;
  }

  start(): void {
    this.#watch = this.#port.watch({
      state: (state) => this.#events.mux(state),
      attached: (udid, connection) => this.#attached(udid, connection),
      detached: (udid, connection) => this.#detached(udid, connection),
      paired: (udid) => this.#pages.get(udid)?.refreshSoon(),
    });
  }

  /** @throws AppError `deviceNotFound`. */
  get(udid: string): DeviceInfo {
    return this.#page(udid).info;
  }

  /** Its name, as far as it has told one. */
  nameOf(udid: string): string {
    return this.#pages.get(udid)?.info.identity?.name ?? udid;
  }

  /** Asks the device now. @throws AppError `deviceNotFound`, `deviceGone`, `timedOut` … */
  async refresh(udid: string): Promise<DeviceInfo> {
    const page = this.#page(udid);
    await page.refresh();
    return page.info;
  }

  /** Asks it soon; for what has probably changed it. */
  refreshSoon(udid: string): void {
    this.#pages.get(udid)?.refreshSoon();
  }

  /** What pairing says as it goes on. */
  setTrust(udid: string, trust: TrustState): void {
    this.#pages.get(udid)?.setTrust(trust);
  }

  dispose(): void {
    this.#watch?.dispose();
    for (const page of this.#pages.values()) page.dispose();
    this.#pages.clear();
  }

  #page(udid: string): DevicePage {
    const page = this.#pages.get(udid);
    if (!page) throw new AppError('deviceNotFound', `device ${udid} is not connected`, { details: { udid } });
    return page;
  }

  #attached(udid: string, connection: 'usb' | 'network'): void {
    const known = this.#pages.get(udid);
    if (known) return known.connect(connection);
    const page = new DevicePage(udid, connection, {
      port: this.#port,
      log: this.#log,
      changed: () => this.#tell(),
      isBusy: () => this.#events.isBusy(udid),
    });
    this.#pages.set(udid, page);
    this.#tell();
    page.refreshSoon(0);
  }

  #detached(udid: string, connection: 'usb' | 'network'): void {
    const page = this.#pages.get(udid);
    if (!page || page.disconnect(connection)) return;
    page.dispose();
    this.#pages.delete(udid);
    this.#tell();
  }

  #tell(): void {
    this.#events.devices([...this.#pages.values()].map(({ info }) => info));
  }
}

interface PageSurroundings {
  readonly port: DevicesPort;
  readonly log: Log;
  readonly changed: () => void;
  readonly isBusy: () => boolean;
}

/** One device from its first connection to its last. */
class DevicePage implements Disposable {
  readonly #udid: string;
  readonly #around: PageSurroundings;
  readonly #abort = new AbortController();
  /** Entries repeat while a replugged device's new connection is announced before the end of the old one. */
  #connections: ('usb' | 'network')[];
  #known: DeviceProbe = { trust: { kind: 'unknown' } };
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #failures = 0;
  #observing = false;

  constructor(udid: string, connection: 'usb' | 'network', around: PageSurroundings) {
    this.#udid = udid;
    this.#connections = [connection];
    this.#around = around;
  }

  get info(): DeviceInfo {
    const { trust, identity, details } = this.#known;
    const connections = (['usb', 'network'] as const).filter((kind) => this.#connections.includes(kind));
    return { udid: this.#udid, connections, trust, ...(identity && { identity }), ...(details && { details }) };
  }

  connect(connection: 'usb' | 'network'): void {
    this.#connections.push(connection);
    // Plugged in again, it may be asked for trust again.
    if (this.#known.trust.kind === 'denied') this.#known = { ...this.#known, trust: { kind: 'unknown' } };
    this.#around.changed();
    this.refreshSoon();
  }

  /** @returns whether another connection is left. */
  disconnect(connection: 'usb' | 'network'): boolean {
    const index = this.#connections.indexOf(connection);
    if (index >= 0) this.#connections.splice(index, 1);
    if (this.#connections.length === 0) return false;
    this.#around.changed();
    return true;
  }

  setTrust(trust: TrustState): void {
    this.#known = { ...this.#known, trust };
    this.#around.changed();
  }

  /** The earliest wish counts. */
  refreshSoon(ms = SETTLE_MS): void {
    const at = performance.now() + ms;
    if (this.#abort.signal.aborted || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => void this.refresh().catch(() => {}), ms).unref();
  }

  /** One question at a time; a wish that comes meanwhile is served by the next. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    while (this.#asking) await this.#asking.catch(() => {});
    this.#asking = this.#ask();
    try {
      await this.#asking;
    } finally {
      this.#asking = undefined;
    }
  }

  dispose(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const { signal } = this.#abort;
    try {
      const probe = await this.#around.port.probe(this.#udid, signal);
      if (signal.aborted) throw new AppError('deviceGone', `device ${this.#udid} was disconnected`);
      const identity = probe.identity ?? this.#known.identity;
      this.#known = { ...probe, trust: this.#refined(probe.trust), ...(identity && { identity }) };
      this.#failures = 0;
      this.#around.changed();
      this.#askAgain();
      if (probe.trust.kind === 'trusted') void this.#observe();
    } catch (error) {
      if (signal.aborted) throw new AppError('deviceGone', `device ${this.#udid} was disconnected`, { cause: error });
      this.#around.log.warn(`device ${this.#udid}: cannot be asked: ${toErrorData(error).message}`);
      this.refreshSoon(RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)]);
      this.#failures += 1;
      throw error;
    }
  }

  #refined(trust: TrustState): TrustState {
    const before = this.#known.trust;
    if (trust.kind !== 'untrusted' && trust.kind !== 'stale') return trust;
    const pairing = this.#around.isBusy() && (before.kind === 'waitingForTrust' || before.kind === 'locked');
    const notKept = before.kind === 'failed' && before.finding !== undefined;
    return pairing || notKept || REMEMBERED.includes(before.kind) ? before : trust;
  }

  #askAgain(): void {
    if (POLLED.includes(this.#known.trust.kind)) this.refreshSoon(POLL_MS);
    else if (this.#known.trust.kind === 'trusted') this.#refreshLater();
  }

  #refreshLater(): void {
    if (this.#abort.signal.aborted || this.#timerAt !== Infinity) return;
    this.#timerAt = performance.now() + REFRESH_MS;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      if (this.#around.isBusy()) this.#refreshLater();
      else void this.refresh().catch(() => {});
    }, REFRESH_MS).unref();
  }

  /** Listens to the device's notifications, for as long as it is trusted and there. */
  async #observe(): Promise<void> {
    if (this.#observing) return;
    this.#observing = true;
    const { signal } = this.#abort;
    try {
      for (let attempt = 0; !signal.aborted && this.#known.trust.kind === 'trusted'; attempt += 1) {
        const from = performance.now();
        try {
          await this.#around.port.observe(this.#udid, () => this.refreshSoon(), signal);
        } catch (error) {
          if (signal.aborted) return;
          const level = isAppError(error, 'deviceGone') ? 'debug' : 'info';
          this.#around.log[level](`device ${this.#udid}: not observed: ${toErrorData(error).message}`);
        }
        if (performance.now() - from > REFRESH_MS) attempt = 0;
        await delay(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? REFRESH_MS, signal).catch(() => {});
        // What it said meanwhile was missed.
        if (!signal.aborted) this.refreshSoon();
      }
    } finally {
      this.#observing = false;
    }
  }
}
