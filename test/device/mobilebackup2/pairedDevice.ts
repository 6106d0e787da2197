import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../../src/base/log';
import {
  backUp,
  openTrustedDevice,
  pairDevice,
  parseMuxAddress,
  UsbmuxClient,
  type BackUpOptions,
  type BackUpResult,
  type DeviceProgress,
  type TrustedDevice,
} from '../../../src/device';
import { MemoryStore } from '../../support/memoryStore';
import {
  DEFAULT_SWITCHES,
  presets,
  VirtualDeviceHost,
  type DeviceDescription,
  type LocalDevice,
  type Switches,
} from '../../virtualDevice';

const log = silentLog;

/** A virtual device that trusts this computer, opened, and a store in memory to back it up into. */
export class PairedDevice implements AsyncDisposable {
  readonly store = new MemoryStore();
  readonly reports: DeviceProgress[] = [];
  readonly cancel = new AbortController();
  device!: TrustedDevice;

  private constructor(
    readonly host: VirtualDeviceHost,
    readonly mux: UsbmuxClient,
  ) {}

  static async start(
    state: Partial<Switches> = {},
    description: Partial<DeviceDescription> = {},
  ): Promise<PairedDevice> {
    const device = { ...presets.small(), ...description, state: { ...DEFAULT_SWITCHES, ...state } };
    const host = await VirtualDeviceHost.start({ devices: [device], control: false });
    const paired = new PairedDevice(host, new UsbmuxClient(parseMuxAddress(host.address), log));
    try {
      await pairDevice(paired.mux, device.udid, { log });
      await paired.reopen();
      return paired;
    } catch (error) {
      await host.stop();
      throw error;
    }
  }

  get virtual(): LocalDevice {
    return this.host.device;
  }

  get udid(): string {
    return this.virtual.udid;
  }

  /** The stages in the order in which they were reported, without repetitions. */
  get stages(): readonly string[] {
    return this.reports.map(({ stage }) => stage).filter((stage, index, all) => stage !== all[index - 1]);
  }

  get options(): BackUpOptions {
    return { log, signal: this.cancel.signal, report: (report) => this.reports.push(report) };
  }

  /** After the device was away. */
  async reopen(): Promise<void> {
    await this.device?.[Symbol.asyncDispose]();
    this.device = await openTrustedDevice(this.mux, this.udid, { log });
  }

  backUp(options: Partial<BackUpOptions> = {}): Promise<BackUpResult> {
    return backUp(this.device, this.store, { ...this.options, ...options });
  }

  /** @returns how the store differs from the device, a line each. */
  async differences(password?: string): Promise<readonly string[]> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'compare-'));
    try {
      await this.store.saveTo(folder);
      return await this.virtual.compareFolder(folder, password);
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  }

  /** Resolves when a report of that stage has come. */
  async untilStage(stage: DeviceProgress['stage']): Promise<void> {
    await until(() => this.reports.some((report) => report.stage === stage), `stage ${stage}`);
  }

  /** Sync names that were posted, without their prefix: `syncWillStart` … */
  get posted(): readonly string[] {
    return this.virtual.state.postedByHosts.map((name) => name.replace('com.apple.itunes-mobdev.', ''));
  }

  /** Whether the device still shows that it is being synced, or holds anything open for us. */
  async leftovers(): Promise<readonly string[]> {
    const left: string[] = [];
    // Its heartbeat notices that a host has left only when it beats the next time.
    const expected = ['lockdown', 'com.apple.mobile.heartbeat'];
    const open = () =>
      [...this.virtual.state.connections].map(({ what }) => what).filter((what) => !expected.includes(what));
    await until(() => open().length === 0, 'the end of all connections', 1_000).catch(() => left.push(...open()));
    if ((await this.virtual.summary()).syncLocked) left.push('sync lock');
    // What a phone would not have understood, although it may have ended well. Only a goodbye can cross one of its
    // requests on the way, and is then taken for the answer.
    const texts = this.virtual.state.logEntries.map(({ text }) => text);
    left.push(...texts.filter((text) => text.includes('REFUSED') && !text.includes('DLMessageDisconnect')));
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]();
    await this.host.stop();
  }
}

export async function until(condition: () => boolean, what: string, limitMs = 5_000): Promise<void> {
  for (const end = Date.now() + limitMs; !condition(); await sleep(2)) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${limitMs} ms`);
  }
}
