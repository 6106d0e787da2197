import assert from 'node:assert/strict';
import type { FaultKind, FaultStory } from '../faultKind';
import { descriptorsOf, FaultRig } from '../faultRig';
import { residentMiB } from '../processMemory';

/** Rounds until caches are filled and code is compiled. */
const WARM = 4;
const LEAST_ROUNDS = 10;
/** A heap breathes; thirty backups that kept their lists would take more. */
const TOLERATED_MIB = 30;

/** One backup after the other by one engine, which must not grow. */
class ManyIncrementals implements FaultStory {
  readonly #memory: number[] = [];
  readonly #descriptors: number[] = [];

  private constructor(private readonly rig: FaultRig) {}

  static async start(): Promise<ManyIncrementals> {
    const groups = [
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 500, size: 2000 },
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 4, size: 1_000_000 },
    ];
    return new ManyIncrementals(await FaultRig.start({ content: { files: [], groups } }));
  }

  async round(): Promise<string> {
    const { rig } = this;
    rig.forgetVersions();
    const good = await rig.goodBackup();
    const { pid } = (await rig.client()).info;
    await rig.change(100);
    await rig.mustSucceed();
    await rig.assertStillThere(good);
    assert.equal((await rig.client()).info.pid, pid, 'another engine has taken its place');
    this.#memory.push(residentMiB(pid));
    this.#descriptors.push(descriptorsOf(pid).length);
    if (this.#memory.length >= LEAST_ROUNDS) this.#assertFlat();
    return 'finished';
  }

  facts(): string {
    const at = (values: readonly number[]) => `${values[Math.min(WARM, values.length - 1)]} → ${values.at(-1)}`;
    return `memory ${at(this.#memory)} MiB, descriptors ${at(this.#descriptors)}`;
  }

  #assertFlat(): void {
    const [early, late] = [median(this.#memory.slice(WARM - 3, WARM + 3)), median(this.#memory.slice(-6))];
    assert.ok(late - early <= TOLERATED_MIB, `memory grows: ${this.#memory.join(', ')} MiB`);
    const most = Math.max(...this.#descriptors.slice(0, WARM));
    assert.ok((this.#descriptors.at(-1) ?? 0) <= most, `descriptors grow: ${this.#descriptors.join(', ')}`);
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
}

export const manyIncrementals: FaultKind = {
  name: 'manyIncrementals',
  what: 'one incremental backup after the other by the same engine: memory and descriptors stay',
  rounds: 30,
  short: 10,
  start: () => ManyIncrementals.start(),
};
