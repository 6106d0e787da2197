import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../../../src/base/errors';
import type { EngineClient } from '../../../src/engine/client';
import type { RestoreEnd, RestoreFinding, RestoreOptions } from '../../../src/engine/protocol';
import { readTree } from '../../support/backupFolders';
import { makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { VirtualDeviceHost, type DeviceDescription, type LocalDevice } from '../../virtualDevice';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';
import type { DeviceContent } from '../../virtualDevice/content/deviceContent';

/** What Finder does. */
export const FINDER: RestoreOptions = { systemFiles: true, keepSettings: false, removeOthers: true, restart: true };

export interface RestoreCall {
  readonly device?: LocalDevice;
  readonly path?: string;
  readonly password?: string;
  readonly options?: Partial<RestoreOptions>;
  readonly signal?: AbortSignal;
}

/** Virtual devices that trust this computer, an engine in a process of its own, and a folder for backups. */
export class RestoreStage implements AsyncDisposable {
  /** Every stage that a restore has been seen in, without repetitions. */
  readonly stages: string[] = [];
  client!: EngineClient;

  private constructor(
    readonly host: VirtualDeviceHost,
    readonly home: EngineHome,
  ) {}

  static async start(...devices: readonly DeviceDescription[]): Promise<RestoreStage> {
    const host = await VirtualDeviceHost.start({ devices, control: false });
    const stage = new RestoreStage(host, await makeEngineHome({ muxAddress: host.address }));
    try {
      fs.mkdirSync(stage.folder, { mode: 0o700 });
      await stage.connect();
      for (const { udid } of devices) await stage.pair(udid);
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where backups go. */
  get folder(): string {
    return path.join(this.home.folder, 'backups');
  }

  get device(): LocalDevice {
    return this.host.device;
  }

  /** The first device's current backup. */
  get backup(): string {
    return path.join(this.folder, this.device.udid);
  }

  content(device = this.device): DeviceContent {
    return backupsOf(device.state).content;
  }

  /** To an engine that is started if there is none. */
  async connect(): Promise<void> {
    this.client?.dispose();
    this.client = await this.home.connect();
    this.client.onState(({ jobs }) => {
      for (const { kind, progress } of jobs) {
        if (kind === 'restore' && this.stages.at(-1) !== progress.stage) this.stages.push(progress.stage);
      }
    });
  }

  async pair(udid: string): Promise<void> {
    await this.untilThere(udid);
    await this.client.call('pair', { udid });
  }

  async backUp(device = this.device): Promise<string> {
    return (await this.client.call('backUp', { udid: device.udid, folder: this.folder })).path;
  }

  check({ device = this.device, path: backup = this.backup, password }: RestoreCall = {}): Promise<
    readonly RestoreFinding[]
  > {
    return this.client.call('checkRestore', { udid: device.udid, path: backup, ...withPassword(password) });
  }

  restore(call: RestoreCall = {}): Promise<RestoreEnd> {
    const { device = this.device, path: backup = this.backup, password, options, signal } = call;
    const params = { udid: device.udid, path: backup, ...withPassword(password), options: { ...FINDER, ...options } };
    return this.client.call('restore', params, signal ? { signal } : {});
  }

  /** How the last restore ended, as everybody sees it. */
  async outcome(): Promise<RestoreEnd | ErrorCode | 'cancelled'> {
    const job = () => this.client.state.jobs.findLast(({ kind }) => kind === 'restore');
    await until(() => job()?.outcome !== undefined, 'the end of the job');
    const outcome = job()?.outcome;
    switch (outcome?.kind) {
      case 'done':
        return outcome.restore ?? assert.fail('the job does not tell');
      case 'failed':
        return outcome.error.code;
      default:
        return 'cancelled';
    }
  }

  /** Everything in the folder of backups: equal before and after whatever only reads. */
  tree(): Record<string, string> {
    return readTree(this.folder);
  }

  /** The device holds other things than before, and less. */
  async spoil(seed: number, device = this.device): Promise<void> {
    await device.changeFiles(8, seed);
    this.content(device).removeFiles(4, seed + 1);
    await device.putFile({ domain: 'MediaDomain', relativePath: `Media/new ${seed}`, kind: 'file', size: 1234 });
  }

  async untilThere(udid = this.device.udid): Promise<void> {
    await until(() => this.client.state.devices.some((device) => device.udid === udid), `device ${udid}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client?.dispose();
    await this.home[Symbol.asyncDispose]();
    await this.host.stop();
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; !condition(); await delay(10)) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
  }
}

function withPassword(password: string | undefined): { readonly password?: string } {
  return password === undefined ? {} : { password };
}
