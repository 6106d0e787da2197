import { Random } from './random';

/** What stops, and how often: one round does harm once, then lets the next try succeed. */
export interface FaultKind {
  readonly name: string;
  /** For the scoreboard: `SIGKILL of the engine at a random instant of a full backup`. */
  readonly what: string;
  /** Rounds of a run by hand, unless told otherwise. */
  readonly rounds: number;
  /** Rounds among the tests; 0: another test does it there. */
  readonly short: number;
  /** Why it cannot be tried on this computer; undefined: it can. */
  lacks?(): string | undefined;
  /** Whatever the rounds have in common. */
  start(): Promise<FaultStory>;
}

export interface FaultStory extends AsyncDisposable {
  /** @throws AssertionError if a promise is broken. @returns how it ended, in words that can be counted. */
  round(random: Random, round: number): Promise<string>;
  /** What was measured besides: `memory 96 → 99 MiB`. */
  facts?(): string;
}

export interface FaultRun {
  readonly seed: number;
  readonly rounds: number;
  /** Number of the first round: each has its own chance, so that one can be repeated alone. */
  readonly first?: number;
  readonly told?: (round: number, end: string) => void;
}

/** @throws Error naming the broken round and how to repeat it alone. @returns what was measured, if anything was. */
export async function runFault(
  kind: FaultKind,
  { seed, rounds, first = 0, told }: FaultRun,
): Promise<string | undefined> {
  await using story = await kind.start();
  for (let round = first; round < first + rounds; round++) {
    try {
      told?.(round, await story.round(Random.forRound(seed, round), round));
    } catch (error) {
      const again = `npm run faults -- --only ${kind.name} --seed ${seed} --first ${round} --rounds 1`;
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`round ${round}: ${message} (${again})`, { cause: error });
    }
  }
  return story.facts?.();
}
