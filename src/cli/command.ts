import type { ParseArgsConfig } from 'node:util';
import type { EngineClient } from '../engine/client';
import type { Output } from './output';
import type { Secrets } from './secrets';

/** A promise to scripts. */
export const ExitCode = { done: 0, failed: 1, wrongUsage: 2, cancelled: 3, damageFound: 4 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface OptionSpec {
  /** For the help: `--folder DIR`. Absent: a flag. */
  readonly value?: string;
  readonly help: string;
}

/** One subcommand. Its name is the key in table.ts. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What comes after the name, besides options: `BACKUP`, `on|off|change`. */
  readonly operands?: string;
  /** How many operands there may be; none if absent. */
  readonly count?: readonly [least: number, most: number];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Further paragraphs of its help. */
  readonly help?: readonly string[];
  /** @throws AppError, which becomes words and an exit code. @returns 0 if nothing. */
  run(context: CommandContext): Promise<ExitCode | void>;
}

export interface CommandContext {
  readonly operands: readonly string[];
  /** The value of an option; undefined if it was not given. */
  readonly option: (name: string) => string | undefined;
  readonly flag: (name: string) => boolean;
  readonly output: Output;
  readonly secrets: Secrets;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Connects at the first call. */
  readonly engine: () => Promise<EngineClient>;
}

/** Every command has these. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { help: 'print one JSON object per line' },
  help: { help: 'print this help' },
};

export const UDID_OPTION: OptionSpec = { value: 'U', help: 'the device; may be left out when only one is connected' };

/** For util.parseArgs. */
export function parseArgsOptions({ options }: Command): NonNullable<ParseArgsConfig['options']> {
  const all = Object.entries({ ...COMMON_OPTIONS, ...options });
  return Object.fromEntries(all.map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }]));
}
