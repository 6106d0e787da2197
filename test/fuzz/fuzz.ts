import { isAppError, type ErrorCode } from '../../src/base/errors';
import { isPlistError } from '../../src/plist';
import { Random } from '../faults/random';
import { hostileBytes } from './mutation';

/** A parser under fire. */
export interface FuzzTarget {
  readonly name: string;
  readonly what: string;
  /** Executions among the tests; slow parsers have fewer. */
  readonly short: number;
  /** Reads what nobody has changed. @throws if it cannot: the target would then show nothing. */
  sound(): void | Promise<void>;
  /**
   * One execution with an input that `random` alone decides. It ends with a value, or an error that a parser may give.
   * @returns whether the input was understood
   * @throws whatever a parser must not give
   */
  execute(random: Random): boolean | Promise<boolean>;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly rounds: number;
}

/** No input of some kilobytes may keep a parser busy longer, in milliseconds. */
const MAX_MS = 1_000;
/** Nor take that much memory, in bytes; all executions together. */
const MAX_GROWTH = 1024 * 1024 * 1024;
const BETWEEN_LOOKS = 5_000;

/**
 * Round `r` has the seed `seed + r`: one round is replayed alone.
 * @returns how many inputs were understood
 * @throws Error with the command that replays the round
 */
export async function fuzz(target: FuzzTarget, { seed, rounds }: FuzzOptions): Promise<number> {
  await target.sound();
  const atFirst = process.memoryUsage.rss();
  let understood = 0;
  for (let round = 0; round < rounds; round++) {
    try {
      if (await inTime(target, seed + round)) understood++;
      if (round % BETWEEN_LOOKS === BETWEEN_LOOKS - 1 && process.memoryUsage.rss() - atFirst > MAX_GROWTH) {
        throw new Error(`${process.memoryUsage.rss() - atFirst} bytes more than at the begin`);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${target.what}: ${why}\n  npm run fuzz -- --only ${target.name} --seed ${seed + round} --rounds 1`,
        { cause: error },
      );
    }
  }
  return understood;
}

async function inTime(target: FuzzTarget, seed: number): Promise<boolean> {
  // What was slow once is tried again: the computer may have been busy with something else.
  for (let attempt = 0; ; attempt++) {
    const began = performance.now();
    const result = target.execute(new Random(mixed(seed)));
    const understood = typeof result === 'boolean' ? result : await result;
    const took = performance.now() - began;
    if (took < MAX_MS) return understood;
    if (attempt === 2) throw new Error(`it took ${Math.round(took)} ms`);
  }
}

/** Neighbouring seeds would begin alike. */
function mixed(seed: number): number {
  return Math.imul(seed ^ (seed >>> 16), 0x45d9f3b) ^ 0x5bd1e995;
}

/** Errors that a parser may give: `plist` stands for a PlistError. */
export type Allowed = ErrorCode | 'plist' | 'range';

export function isAllowed(error: unknown, allowed: readonly Allowed[]): boolean {
  if (isPlistError(error)) return allowed.includes('plist');
  if (error instanceof RangeError && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_INTERNAL'))
    return allowed.includes('range');
  return isAppError(error) && allowed.includes(error.code);
}

export interface BytesTarget extends Pick<FuzzTarget, 'name' | 'what'> {
  readonly short?: number;
  /** What the parser understands. */
  readonly samples: readonly Buffer[] | (() => readonly Buffer[] | Promise<readonly Buffer[]>);
  /** Reads, and asserts what must hold of what was read. */
  readonly parse: (bytes: Buffer) => unknown;
  readonly allowed: readonly Allowed[];
}

/** A target that reads changed bytes. */
export function bytesTarget({ name, what, short = 1_500, samples, parse, allowed }: BytesTarget): FuzzTarget {
  let sound: readonly Buffer[] = [];
  const refused = (error: unknown): false => {
    if (!isAllowed(error, allowed)) throw error;
    return false;
  };
  return {
    name,
    what,
    short,
    async sound() {
      sound = typeof samples === 'function' ? await samples() : samples;
      for (const bytes of sound) await parse(Buffer.from(bytes));
    },
    execute(random) {
      try {
        const parsed = parse(hostileBytes(random, sound));
        return parsed instanceof Promise ? parsed.then(() => true, refused) : true;
      } catch (error) {
        return refused(error);
      }
    },
  };
}
