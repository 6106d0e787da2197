import { parseArgs } from 'node:util';
import { AppError, isAppError, isCancellation, toErrorData } from '../base/errors';
import type { EngineClient } from '../engine/client';
import { ExitCode, parseArgsOptions, type Command, type CommandContext } from './command';
import { helpOf, overview } from './help';
import { jsonOutput, textOutput, type Output, type Terminal } from './output';
import type { Secrets } from './secrets';

/** Everything that a command line touches; a test has its own. */
export interface CommandLine {
  readonly commands: Readonly<Record<string, Command>>;
  /** Without the program itself. */
  readonly arguments: readonly string[];
  readonly version: string;
  readonly terminal: Terminal;
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
  readonly connect: (signal: AbortSignal) => Promise<EngineClient>;
}

/** Runs the command that the arguments name. Never throws: everything becomes words and an exit code. */
export async function runCommandLine(line: CommandLine): Promise<ExitCode> {
  const { terminal, commands } = line;
  const [name, ...rest] = line.arguments;
  // Known before anything can go wrong, so that a program gets its JSON for that too.
  const output = line.arguments.includes('--json') ? jsonOutput(terminal.out) : textOutput(terminal);
  if (name === '--version') return say(line, `${line.version}\n`);
  if (name === undefined) {
    terminal.err(overview(commands));
    return ExitCode.wrongUsage;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const about = rest.find((word) => Object.hasOwn(commands, word));
    return say(line, about === undefined ? overview(commands) : helpOf(about, commands[about] as Command));
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (!command) throw new AppError('wrongUsage', `there is no command “${name}”`);
    const parsed = parse(command, rest);
    if (parsed.flag('help')) return say(line, helpOf(name, command));
    checkOperands(name, command, parsed.operands);
    return await runCommand(command, { ...parsed, output }, line);
  } catch (error) {
    return fail(output, error, line.signal);
  }
}

async function runCommand(
  command: Command,
  parsed: Pick<CommandContext, 'operands' | 'option' | 'flag' | 'output'>,
  { secrets, signal, connect }: CommandLine,
): Promise<ExitCode> {
  let client: Promise<EngineClient> | undefined;
  const engine = () => (client ??= connect(signal));
  try {
    return (await command.run({ ...parsed, secrets, signal, engine })) ?? ExitCode.done;
  } finally {
    (await client?.catch(() => undefined))?.dispose();
    secrets.close();
  }
}

function parse(command: Command, args: readonly string[]): Pick<CommandContext, 'operands' | 'option' | 'flag'> {
  try {
    const options = parseArgsOptions(command);
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return {
      operands: positionals,
      option: (name) => {
        const value = values[name];
        return typeof value === 'string' ? value : undefined;
      },
      flag: (name) => values[name] === true,
    };
  } catch (error) {
    throw new AppError('wrongUsage', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function checkOperands(name: string, { count = [0, 0], operands = '' }: Command, given: readonly string[]): void {
  const [least, most] = count;
  if (given.length < least) throw new AppError('wrongUsage', `${name} needs ${operands}`);
  if (given.length > most) throw new AppError('wrongUsage', `${name}: “${given[most] ?? ''}” is too much`);
  if (given.includes('')) throw new AppError('wrongUsage', `${name}: ${operands} is empty`);
}

function fail(output: Output, error: unknown, signal: AbortSignal): ExitCode {
  const stopped = isCancellation(error) || isAppError(error, 'cancelledOnDevice');
  const data = toErrorData(error);
  output.failed(isCancellation(error) ? { ...data, code: 'cancelled' } : data);
  if (stopped || (signal.aborted && data.code === 'engineGone')) return ExitCode.cancelled;
  // Which device is meant is a matter of how the command was used.
  return data.code === 'wrongUsage' || data.code === 'severalDevices' ? ExitCode.wrongUsage : ExitCode.failed;
}

function say({ terminal }: CommandLine, text: string): ExitCode {
  terminal.out(text);
  return ExitCode.done;
}
