import assert from 'node:assert/strict';
import { delay } from '../../src/base/abort';
import { type AppError, isAppError } from '../../src/base/errors';
import { RestoreStage } from '../device/restore/restoreStage';
import { presetNamed } from '../virtualDevice';
import { FAULT_WAYS } from '../virtualDevice/fault';
import type { FaultKind } from './faults';
import { Random } from './random';
import { treeHash } from './treeHash';

/** However it ends, a person is told within this time. */
const TOLD_WITHIN_MS = 30_000;
/** Silence ends only when TCP or the daemon notices. */
const WAYS = FAULT_WAYS.filter((way) => way !== 'silence');
const LOST = ['deviceGone', 'deviceStopped', 'deviceNotFound', 'noDevice', 'timedOut', 'tlsFailed', 'unexpectedReply'];

/** A phone that has changed since its backup; after each round it must be what it was, and the backup untouched. */
class RestoreRig implements AsyncDisposable {
  /** Of the last restore that nothing disturbed, in milliseconds. */
  usual = 0;
  #changes = 0;

  private constructor(
    readonly stage: RestoreStage,
    /** What the phone held when it was backed up. */
    private readonly wanted: string,
    private readonly backup: string,
  ) {}

  static async start(): Promise<RestoreRig> {
    const { content, ...rest } = presetNamed('small');
    const groups = [
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 300, size: 3000 },
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 30, size: 700_000 },
    ];
    const stage = await RestoreStage.start({ ...rest, content: { ...content, groups } });
    try {
      await stage.backUp();
      const rig = new RestoreRig(stage, await stage.device.stateDigest(), treeHash(stage.folder) ?? '');
      await rig.mustSucceed();
      return rig;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Restores while something happens. @returns undefined if it succeeded all the same.
   * @throws AssertionError if nobody is told, or if the phone is neither what it was nor what it is to be.
   */
  async restore(): Promise<AppError | undefined> {
    const before = await this.stage.device.stateDigest();
    const timer = new AbortController();
    const late = delay(TOLD_WITHIN_MS, timer.signal).then(() => assert.fail('nobody was told in time'));
    late.catch(() => {});
    let error: AppError | undefined;
    try {
      await Promise.race([this.stage.restore(), late]);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      error = thrown;
    } finally {
      timer.abort();
    }
    this.#assertUntouched();
    const now = await this.stage.device.stateDigest();
    assert.ok(now === this.wanted || (error && now === before), `half restored after ${error?.code ?? 'success'}`);
    return error;
  }

  async spoil(): Promise<void> {
    await this.stage.spoil(++this.#changes);
  }

  async mustSucceed(): Promise<void> {
    const start = Date.now();
    const error = await this.restore();
    assert.equal(error, undefined, `the next try failed: ${error?.code} ${error?.message}`);
    assert.equal(await this.stage.device.stateDigest(), this.wanted);
    this.usual = Date.now() - start;
  }

  /** A restore that was whole when the engine died makes the phone restart. */
  async untilRestarted(deviceId: number | undefined): Promise<void> {
    if ((await this.stage.device.stateDigest()) !== this.wanted) return;
    const now = () => this.stage.device.state.attachments[0]?.deviceId;
    for (const end = Date.now() + 5000; (now() ?? deviceId) === deviceId && Date.now() < end;) await delay(20);
  }

  #assertUntouched(): void {
    assert.equal(treeHash(this.stage.folder), this.backup, 'the backup was changed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
  }
}

const unplug: FaultKind = {
  name: 'restoreUnplug',
  what: 'a restore: the cable comes out at a random message or instant, four ways',
  rounds: 50,
  short: 6,
  async run({ seed, rounds, told }) {
    const random = new Random(seed);
    const ends: string[] = [];
    await using rig = await RestoreRig.start();
    const { device } = rig.stage;
    for (let round = 0; round < rounds; round++) {
      await rig.spoil();
      const way = random.pick(WAYS);
      // The phone says little in a restore: most of it happens between two of its messages.
      const byTime = random.next() < 0.6;
      if (!byTime) await device.armFault({ at: { message: random.below(15) }, way });
      const running = rig.restore();
      if (byTime) {
        await delay(random.below(Math.ceil(rig.usual * 0.7)));
        await device.unplug(way);
      }
      const error = await running;
      if (error) assert.ok(LOST.includes(error.code), `${way}: ${error.code} ${error.message}`);
      ends.push(error?.code ?? 'finished');
      await device.disarmFault();
      await device.unplug();
      await device.plug();
      await rig.stage.untilThere();
      await rig.mustSucceed();
      told?.(round);
    }
    return ends;
  },
};

const kill: FaultKind = {
  name: 'restoreKill',
  what: 'a restore: SIGKILL of the engine at a random instant',
  rounds: 50,
  short: 6,
  async run({ seed, rounds, told }) {
    const random = new Random(seed);
    const ends: string[] = [];
    await using rig = await RestoreRig.start();
    for (let round = 0; round < rounds; round++) {
      await rig.spoil();
      const deviceId = rig.stage.device.state.attachments[0]?.deviceId;
      const running = rig.restore();
      await delay(random.below(Math.ceil(rig.usual * 0.7)));
      for (const pid of rig.stage.home.enginePids()) process.kill(pid, 'SIGKILL');
      const error = await running;
      if (error) assert.equal(error.code, 'engineGone', error.message);
      ends.push(error?.code ?? 'finished');
      if (error) await rig.untilRestarted(deviceId);
      await rig.stage.connect();
      await rig.stage.untilThere();
      await rig.mustSucceed();
      told?.(round);
    }
    return ends;
  },
};

export const restoreFaults: readonly FaultKind[] = [unplug, kill];
