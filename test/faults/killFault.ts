import assert from 'node:assert/strict';
import { delay } from '../../src/base/abort';
import type { FaultKind } from './faultKind';
import type { End, FaultRig } from './faultRig';
import type { Random } from './random';

/** Work that is killed in the middle, round after round. */
export interface KilledWork extends AsyncDisposable {
  readonly rig: FaultRig;
  /** Brings everything to where the work can begin, round for round the same. */
  prepare(random: Random, round: number): Promise<void>;
  run(): Promise<End>;
  /** Who is killed; absent: the engine. */
  kill?(): void;
  /** At this instant, before anything is recovered. */
  check(end: End): Promise<void>;
  /** The next try succeeds, and nothing is left. */
  again(end: End): Promise<void>;
}

/** Kinds in which SIGKILL hits at a random instant of some work, whose usual time the first round finds out. */
export function killFault(
  kind: Pick<FaultKind, 'name' | 'what' | 'rounds' | 'short'> & Partial<Pick<FaultKind, 'lacks'>>,
  start: () => Promise<KilledWork>,
): FaultKind {
  return {
    ...kind,
    start: async () => {
      const work = await start();
      const rounds = new KillRounds(work);
      return {
        round: (random, round) => rounds.round(random, round),
        [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
      };
    },
  };
}

class KillRounds {
  #usualMs = 0;

  constructor(private readonly work: KilledWork) {}

  async round(random: Random, round: number): Promise<string> {
    const { work } = this;
    if (this.#usualMs === 0) await this.#undisturbed(random, round);
    await work.prepare(random, round);
    // An engine that is there already: its start is no part of the work.
    await work.rig.known();
    const running = work.run();
    await delay(random.next() * this.#usualMs * 1.1);
    if (work.kill) work.kill();
    else await work.rig.killEngine();
    const end = await running;
    if (!end.done)
      assert.ok(['engineGone', 'passwordNeeded'].includes(end.error.code), `${end.error.code}: ${end.error.message}`);
    await work.check(end);
    await work.again(end);
    return end.done ? 'finished' : 'broken off';
  }

  async #undisturbed(random: Random, round: number): Promise<void> {
    await this.work.prepare(random, round);
    await this.work.rig.known();
    const start = performance.now();
    const end = await this.work.run();
    this.#usualMs = performance.now() - start;
    assert.ok(end.done, end.done ? '' : `undisturbed: ${end.error.code} ${end.error.message}`);
    await this.work.check(end);
    await this.work.again(end);
  }
}
