import path from 'node:path';
import { version } from '../package.json';
import { keepMemoryPrivate } from './base/keepMemoryPrivate';
import { ExitCode } from './cli/command';
import { runCommandLine } from './cli/runCommandLine';
import { standardInputSecrets } from './cli/secrets';
import { commands } from './cli/table';
import { connectEngine } from './engine/client';

/** The entry of dist/cli.js, the program `ios-backup`. */
async function main(): Promise<ExitCode> {
  keepMemoryPrivate();
  const abort = new AbortController();
  const interrupt = () => {
    // The first ends the work cleanly, which can take seconds; the second does not wait for that.
    if (abort.signal.aborted) process.exit(ExitCode.cancelled);
    abort.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const err = (text: string) => void process.stderr.write(text);
  return runCommandLine({
    commands,
    arguments: process.argv.slice(2),
    version,
    terminal: {
      out: (text) => void process.stdout.write(text),
      err,
      columns: process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? (process.stderr.columns ?? 80) : undefined,
    },
    secrets: standardInputSecrets({ input: process.stdin, showPrompt: err, signal: abort.signal, interrupt }),
    signal: abort.signal,
    connect: (signal) =>
      connectEngine({
        enginePath: path.join(__dirname, 'engine.js'),
        client: { name: 'command line', version, pid: process.pid },
        signal,
      }),
  });
}

// Whoever reads our output may stop reading; the backup goes on, and so does its exit code.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

void main().then((code) => {
  process.exitCode = code;
  // Everything is written first: to a pipe that is not at once on every system.
  process.stdout.write('', () => process.exit(code));
});
