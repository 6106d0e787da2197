import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { quickVerify } from '../../src/backups';
import { delay } from '../../src/base/abort';
import { type AppError, isAppError } from '../../src/base/errors';
import { type EngineHome, makeEngineHome } from '../support/engineProcess';
import { runTool } from '../support/foreignTool';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';
import { treeHash } from './treeHash';

/** However it ends, a person is told within this time. */
const TOLD_WITHIN_MS = 30_000;

export type BackupEnd = { readonly done: true } | { readonly done: false; readonly error: AppError };

/**
 * A phone, an engine and a folder with one good backup, to do harm to. After every harm the same is asked: is the last
 * good backup still there byte for byte, was a person told in time and in words, and does the next backup succeed?
 */
export class FaultRig implements AsyncDisposable {
  #changes = 0;

  private constructor(
    readonly phone: VirtualDeviceProcess,
    readonly home: EngineHome,
    readonly folder: string,
    readonly udid: string,
    private readonly ownsFolder: boolean,
  ) {}

  /** @param folder where backups go; absent: a fresh one. */
  static async start(folder?: string): Promise<FaultRig> {
    const description = presetNamed('small');
    const phone = await startVirtualDevice([
      {
        ...description,
        content: {
          ...description.content,
          groups: [
            { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 200, size: 3000 },
            { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 8, size: 400_000 },
          ],
        },
      },
    ]);
    const home = await makeEngineHome({ muxAddress: phone.address, idleMs: 60_000 });
    const place = folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'faults-'));
    const rig = new FaultRig(phone, home, place, description.udid, folder === undefined);
    const paired = await runTool('idevicepair', ['pair'], phone.address, 60_000);
    assert.equal(paired.code, 0, paired.output);
    return rig;
  }

  get finished(): string {
    return path.join(this.folder, this.udid);
  }

  /** Changes something on the phone, so that the next backup has work to do. */
  async change(): Promise<void> {
    await this.phone.device.changeFiles(40, ++this.#changes);
  }

  /** Runs a backup to its end. @throws AssertionError if nobody is told how it ended. */
  async backUp(signal?: AbortSignal): Promise<BackupEnd> {
    const client = await this.home.connect();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new assert.AssertionError({ message: 'nobody was told in time' })),
        TOLD_WITHIN_MS,
      );
    });
    try {
      // An engine that has just started hears of the device a moment later.
      for (
        let waited = 0;
        !client.state.devices.some(({ udid }) => udid === this.udid) && waited < 10_000;
        waited += 50
      ) {
        await delay(50);
      }
      const job = client.call('backUp', { udid: this.udid, folder: this.folder }, signal ? { signal } : {});
      await Promise.race([job, late]);
      return { done: true };
    } catch (error) {
      if (!isAppError(error)) throw error;
      assert.notEqual(error.code, 'unexpected', error.message);
      return { done: false, error };
    } finally {
      clearTimeout(timer);
      client.dispose();
    }
  }

  /** The backup that must survive: its hash now. */
  async goodBackup(): Promise<string> {
    if (!fs.existsSync(this.finished)) await this.mustSucceed();
    return treeHash(this.finished) ?? assert.fail('there is no finished backup');
  }

  /** At this instant, before anything is recovered: the good backup is here, whole, under one of its two names. */
  assertStillThere(good: string): void {
    const names = fs.readdirSync(this.folder).filter((name) => name === this.udid || name.startsWith(`${this.udid}-`));
    // The newest first: what was good is the finished one or the version put aside last.
    const found = names
      .sort()
      .reverse()
      .concat(this.udid)
      .some((name) => treeHash(path.join(this.folder, name)) === good);
    assert.ok(found, `the last good backup is gone or changed; there are ${names.join(', ')}`);
  }

  /** The next backup succeeds, and equals the phone. */
  async mustSucceed(): Promise<void> {
    const end = await this.backUp();
    assert.ok(end.done, end.done ? '' : `the next backup failed: ${end.error.code} ${end.error.message}`);
    assert.deepEqual(await this.phone.device.compareFolder(this.folder), []);
    const { findings } = await quickVerify(this.finished);
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    );
    this.assertNothingLeft();
  }

  /** Old versions go, so that a long run does not fill the disk. */
  forgetVersions(): void {
    for (const name of fs.readdirSync(this.folder)) {
      if (name.startsWith(`${this.udid}-`)) fs.rmSync(path.join(this.folder, name), { recursive: true });
    }
  }

  /** After a success: no staging, no journal, nothing in the trash, nothing beside the backups and our own folder. */
  assertNothingLeft(): void {
    const strange = fs
      .readdirSync(this.folder)
      .filter((name) => name !== '.ios-backup' && name !== this.udid && !/^[0-9A-F-]+-\d{8}-\d{6}$/i.test(name));
    assert.deepEqual(strange, []);
    const own = path.join(this.folder, '.ios-backup');
    const kept = (fs.readdirSync(own, { recursive: true }) as string[]).filter((name) =>
      /journal|\.tmp|\.part/.test(name),
    );
    assert.deepEqual(kept, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home[Symbol.asyncDispose]();
    await this.phone[Symbol.asyncDispose]();
    if (this.ownsFolder) fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
