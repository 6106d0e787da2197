import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type AppError, isAppError } from '../../../src/base/errors';
import type { EngineClient } from '../../../src/engine/client';
import { treeHash } from '../../faults/treeHash';
import { type EngineHome, makeEngineHome } from '../../support/engineProcess';
import { UDID } from '../../support/backupFolders';
import { backupsOf, presets, VirtualDeviceHost, type HostileResult, type HostileStep } from '../../virtualDevice';

/** Must never be told to a device: it lies outside the backup. */
export const SECRET = 'what lies outside of the backup';
/** Was there before. */
const OLD_VERSION = `${UDID}-20240101-000000`;
/** However a hostile device behaves, a person is told within this time. */
const TOLD_WITHIN_MS = 30_000;

export type End = { readonly done: true } | { readonly done: false; readonly error: AppError };

/**
 * A device that means harm, the real engine as a process, and a real folder of backups with other people's files around
 * it. Whatever the device sends: what is around stays byte for byte, and so does the last good backup.
 */
export class HostileRig implements AsyncDisposable {
  readonly folder: string;
  readonly outside: string;

  private constructor(
    readonly host: VirtualDeviceHost,
    readonly home: EngineHome,
    readonly client: EngineClient,
  ) {
    this.folder = path.join(home.folder, 'around', 'backups');
    this.outside = path.join(home.folder, 'around', 'outside');
  }

  /** @param env More for the engine's environment. */
  static async start(env: NodeJS.ProcessEnv = {}): Promise<HostileRig> {
    const host = await VirtualDeviceHost.start({ devices: [{ ...presets.small(), udid: UDID }] });
    const home = await makeEngineHome({ muxAddress: host.address, idleMs: 60_000 });
    Object.assign(home.env, env);
    const rig = new HostileRig(host, home, await home.connect());
    fs.mkdirSync(rig.folder, { recursive: true });
    fs.mkdirSync(path.join(rig.outside, 'empty'), { recursive: true });
    fs.writeFileSync(path.join(rig.outside, 'secret'), SECRET);
    fs.symlinkSync('secret', path.join(rig.outside, 'link'));
    // Beside the backup: another device's, a version of this one, and a person's own file.
    for (const place of ['00008101-000A1B2C3D4E001F', OLD_VERSION, 'mine']) {
      fs.mkdirSync(path.join(rig.folder, place));
      fs.writeFileSync(path.join(rig.folder, place, 'Manifest.db'), SECRET);
    }
    await rig.deviceIsKnown();
    await rig.client.call('pair', { udid: UDID });
    return rig;
  }

  get partial(): string {
    return path.join(this.folder, `.${UDID}.partial`);
  }

  /** The hash of everything around that is not the backup of this device, its staging or the engine's own notes. */
  around(): string {
    const ofNeighbours = fs
      .readdirSync(this.folder)
      .filter((name) => !this.ownNames().includes(name))
      .sort()
      .map((name) => {
        const place = path.join(this.folder, name);
        return `${name} ${fs.lstatSync(place).isDirectory() ? treeHash(place) : 'no folder'}`;
      });
    // The home of the engine's process as well, but for its own two folders.
    const above = fs.readdirSync(this.home.folder).filter((name) => name !== 'run' && name !== 'state');
    return JSON.stringify([
      treeHash(this.outside),
      fs.readdirSync(path.dirname(this.folder)).sort(),
      above.sort(),
      ofNeighbours,
    ]);
  }

  /** The last good backup. */
  good(): string {
    return treeHash(path.join(this.folder, UDID)) ?? assert.fail('there is no finished backup');
  }

  /** It is here, whole: under its name, or as the version that the next one has put aside. */
  assertGoodIsThere(good: string): void {
    const names = [UDID, ...this.madeVersions()];
    assert.ok(
      names.some((name) => treeHash(path.join(this.folder, name)) === good),
      `the last good backup is gone or changed; there are ${names.join(', ')}`,
    );
  }

  /** A backup in which the device first sends what the script says, and then goes on as if nothing had been. */
  async backUp(script: readonly HostileStep[] = [], signal?: AbortSignal): Promise<End> {
    this.results.length = 0;
    backupsOf(this.host.device.state).hostileScript = script;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('nobody was told in time')), TOLD_WITHIN_MS);
    });
    const job = this.client.call('backUp', { udid: UDID, folder: this.folder }, signal ? { signal } : {});
    try {
      await Promise.race([job, late]);
      return { done: true };
    } catch (error) {
      if (!isAppError(error)) throw error;
      assert.notEqual(error.code, 'unexpected', error.message);
      return { done: false, error };
    } finally {
      clearTimeout(timer);
      backupsOf(this.host.device.state).hostileScript = [];
    }
  }

  /** What the computer has answered to the script. */
  get results(): HostileResult[] {
    return backupsOf(this.host.device.state).hostileResults;
  }

  /** The most memory that the engine has held so far, in MiB; undefined where the system does not tell. */
  enginePeakMiB(): number | undefined {
    if (process.platform !== 'linux') return undefined;
    const status = fs.readFileSync(`/proc/${this.client.info.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.dispose();
    await this.home[Symbol.asyncDispose]();
    await this.host.stop();
  }

  /** Versions that the tests' own backups have put aside go, so that a long run stays quick. */
  forgetVersions(): void {
    for (const name of this.madeVersions()) fs.rmSync(path.join(this.folder, name), { recursive: true });
  }

  private madeVersions(): readonly string[] {
    const versions = fs.readdirSync(this.folder).filter((name) => /^.{25}-\d{8}-\d{6}$/.test(name));
    return versions.filter((name) => name !== OLD_VERSION);
  }

  private ownNames(): readonly string[] {
    return [UDID, `.${UDID}.partial`, '.ios-backup', ...this.madeVersions()];
  }

  private deviceIsKnown(): Promise<void> {
    const known = () => this.client.state.devices.some(({ identity }) => identity !== undefined);
    if (known()) return Promise.resolve();
    return new Promise((resolve) => {
      const subscription = this.client.onState(() => {
        if (!known()) return;
        subscription.dispose();
        resolve();
      });
    });
  }
}
