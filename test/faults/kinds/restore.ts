import assert from 'node:assert/strict';
import { delay } from '../../../src/base/abort';
import type { AppError } from '../../../src/base/errors';
import { RestoreStage } from '../../device/restore/restoreStage';
import { until } from '../../support/until';
import { presetNamed } from '../../virtualDevice';
import { FAULT_WAYS } from '../../virtualDevice/fault';
import type { FaultKind, FaultStory } from '../faultKind';
import { told } from '../faultRig';
import type { Random } from '../random';
import { treeHash } from '../treeHash';
import { LOST } from './unplug';

/** Silence in a restore, in which most is said by the computer, is noticed only when the connection itself ends. */
const WAYS = FAULT_WAYS.filter((way) => way !== 'silence');

type Harm = (rig: RestoreRig, random: Random) => Promise<AppError | undefined>;

/** A phone that has changed since its backup; after each round it must be what it was, and the backup untouched. */
class RestoreRig implements FaultStory {
  /** Of the last restore that nothing disturbed, in milliseconds. */
  usualMs = 0;
  #changes = 0;

  private constructor(
    readonly stage: RestoreStage,
    /** What the phone held when it was backed up. */
    private readonly wanted: string,
    private readonly backup: string,
    private readonly harm: Harm,
  ) {}

  static async start(harm: Harm): Promise<RestoreRig> {
    const { content, ...rest } = presetNamed('small');
    const groups = [
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 100, size: 3000 },
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 10, size: 700_000 },
    ];
    const stage = await RestoreStage.start({ ...rest, content: { ...content, groups } });
    try {
      await stage.backUp();
      const rig = new RestoreRig(stage, await stage.device.stateDigest(), treeHash(stage.folder) ?? '', harm);
      await rig.mustSucceed();
      return rig;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  async round(random: Random): Promise<string> {
    await this.stage.spoil(++this.#changes);
    const error = await this.harm(this, random);
    await this.stage.untilThere();
    await this.mustSucceed();
    return error?.code ?? 'finished';
  }

  /**
   * Restores while something happens. @returns undefined if it succeeded all the same.
   * @throws AssertionError if nobody is told, or if the phone is neither what it was nor what it is to be.
   */
  async restore(): Promise<AppError | undefined> {
    const before = await this.stage.device.stateDigest();
    const end = await told(() => this.stage.restore());
    assert.equal(treeHash(this.stage.folder), this.backup, 'the backup was changed');
    const now = await this.stage.device.stateDigest();
    const error = end.done ? undefined : end.error;
    assert.ok(now === this.wanted || (error && now === before), `half restored after ${error?.code ?? 'success'}`);
    return error;
  }

  async mustSucceed(): Promise<void> {
    const start = performance.now();
    const error = await this.restore();
    assert.equal(error, undefined, `the next try failed: ${error?.code} ${error?.message}`);
    assert.equal(await this.stage.device.stateDigest(), this.wanted);
    this.usualMs = performance.now() - start;
  }

  /** A restore that was whole when the engine died makes the phone restart. */
  async untilRestarted(deviceId: number | undefined): Promise<void> {
    if ((await this.stage.device.stateDigest()) !== this.wanted) return;
    const now = () => this.stage.device.state.attachments[0]?.deviceId;
    await until(() => (now() ?? deviceId) !== deviceId, { timeoutMs: 5000 }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
  }
}

const unplug: Harm = async (rig, random) => {
  const { device } = rig.stage;
  const way = random.pick(WAYS);
  // The phone says little in a restore: most of it happens between two of its messages.
  const byTime = random.next() < 0.6;
  if (!byTime) await device.armFault({ at: { message: random.below(15) }, way });
  const running = rig.restore();
  if (byTime) {
    await delay(random.below(Math.ceil(rig.usualMs * 0.7)));
    await device.unplug(way);
  }
  const error = await running;
  if (error) assert.ok(LOST.includes(error.code), `${way}: ${error.code} ${error.message}`);
  await device.disarmFault();
  await device.unplug();
  await device.plug();
  return error;
};

const kill: Harm = async (rig, random) => {
  const { stage } = rig;
  const deviceId = stage.device.state.attachments[0]?.deviceId;
  const running = rig.restore();
  await delay(random.below(Math.ceil(rig.usualMs * 0.7)));
  for (const pid of stage.home.enginePids()) process.kill(pid, 'SIGKILL');
  const error = await running;
  if (error) assert.equal(error.code, 'engineGone', error.message);
  if (error) await rig.untilRestarted(deviceId);
  await stage.connect();
  return error;
};

export const restoreFaults: readonly FaultKind[] = [
  {
    name: 'restoreUnplug',
    what: 'a restore: the cable comes out at a random message or instant, four ways',
    rounds: 15,
    short: 2,
    start: () => RestoreRig.start(unplug),
  },
  {
    name: 'restoreKill',
    what: 'a restore: SIGKILL of the engine at a random instant',
    rounds: 15,
    short: 2,
    start: () => RestoreRig.start(kill),
  },
];
