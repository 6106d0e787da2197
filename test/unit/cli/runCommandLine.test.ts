import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AppError, cancelled } from '../../../src/base/errors';
import type { Command } from '../../../src/cli/command';
import { progressLine, textOutput } from '../../../src/cli/output';
import { runCommandLine, type CommandLine } from '../../../src/cli/runCommandLine';
import type { Secrets } from '../../../src/cli/secrets';
import { commands } from '../../../src/cli/table';
import type { Job } from '../../../src/engine/protocol';

const noSecrets: Secrets = {
  isTerminal: false,
  read: () => Promise.reject(new AppError('passwordNeeded', 'none')),
  readNew: () => Promise.reject(new AppError('passwordNeeded', 'none')),
  readIfGiven: () => Promise.resolve(undefined),
  ask: () => Promise.resolve(undefined),
  close() {},
};

/** Runs arguments with commands that do what they say; `fail` throws what the test wants. */
async function run(args: readonly string[], more: Partial<CommandLine> & { readonly error?: Error } = {}) {
  const printed = { out: '', err: '' };
  const seen: unknown[] = [];
  const fake: Record<string, Command> = {
    work: {
      summary: 'do some work',
      operands: 'THING',
      count: [1, 2],
      options: { fast: { help: 'at once' }, udid: { value: 'U', help: 'the device' } },
      run: async ({ operands, option, flag, output }) => {
        seen.push(operands, option('udid'), flag('fast'));
        output.done({ things: operands.length }, 'Worked.');
      },
    },
    fail: { summary: 'fail', run: () => Promise.reject(more.error ?? new Error('the test names no error')) },
  };
  const code = await runCommandLine({
    commands: fake,
    arguments: args,
    version: '1.2.3',
    terminal: {
      out: (text) => (printed.out += text),
      err: (text) => (printed.err += text),
      columns: undefined,
    },
    secrets: noSecrets,
    signal: new AbortController().signal,
    connect: () => Promise.reject(new AppError('engineUnavailable', 'no engine in this test')),
    ...more,
  });
  return { code, seen, ...printed };
}

describe('runCommandLine', () => {
  it('hands operands and options to the command', async () => {
    const { code, seen, out } = await run(['work', 'one', '--udid=U1', 'two', '--fast']);
    assert.equal(code, 0);
    assert.deepEqual(seen, [['one', 'two'], 'U1', true]);
    assert.equal(out, 'Worked.\n');
    assert.deepEqual((await run(['work', '--', '--fast'])).seen, [['--fast'], undefined, false]);
  });

  it('prints one JSON object a line with --json', async () => {
    const { out, err } = await run(['work', 'one', '--json']);
    assert.equal(out, '{"event":"done","things":1}\n');
    assert.equal(err, '');
  });

  it('answers wrong usage with 2, and says what is wrong', async () => {
    for (const [args, about] of [
      [['nonsense'], /no command “nonsense”/],
      [['__proto__'], /no command/],
      [['constructor'], /no command/],
      [['work'], /needs THING/],
      [['work', 'a', 'b', 'c'], /“c” is too much/],
      [['work', ''], /is empty/],
      [['work', 'a', '--slow'], /--slow/],
      [['work', 'a', '--udid'], /--udid/],
      [['work', 'a', '--fast=yes'], /--fast/],
      [['work', 'a', '-x'], /-x/],
    ] as const) {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.match(err, about);
      const json = await run([...args, '--json']);
      assert.equal(json.code, 2);
      const failed = JSON.parse(json.out) as Record<string, unknown>;
      assert.deepEqual([failed['event'], failed['code'], json.err], ['failed', 'wrongUsage', '']);
    }
    const none = await run([]);
    assert.equal(none.code, 2);
    assert.match(none.err, /Usage: ios-backup COMMAND/);
  });

  it('turns failures into words and exit codes', async () => {
    const gone = await run(['fail'], { error: new AppError('deviceGone', 'EPIPE at 0x12') });
    assert.equal(gone.code, 1);
    assert.match(gone.err, /The device was disconnected\./);
    assert.doesNotMatch(gone.err, /EPIPE/);
    const json = await run(['fail', '--json'], { error: new AppError('deviceGone', 'EPIPE', { details: { n: 1 } }) });
    const failed = JSON.parse(json.out) as Record<string, unknown>;
    assert.deepEqual(
      [failed['event'], failed['code'], failed['message'], failed['details']],
      ['failed', 'deviceGone', 'The device was disconnected.', { n: 1 }],
    );
    assert.equal((await run(['fail'], { error: cancelled() })).code, 3);
    assert.equal((await run(['fail'], { error: new AppError('cancelledOnDevice', '') })).code, 3);
    assert.equal((await run(['fail'], { error: new AppError('severalDevices', '') })).code, 2);
    const odd = await run(['fail'], { error: new TypeError('x is not a function') });
    assert.equal(odd.code, 1);
    assert.match(odd.err, /x is not a function/);
  });

  it('prints help and version', async () => {
    assert.deepEqual(await run(['--version']), { code: 0, seen: [], out: '1.2.3\n', err: '' });
    for (const args of [
      ['work', '--help'],
      ['help', 'work'],
      ['--help', 'work'],
    ]) {
      const { code, out } = await run(args);
      assert.equal(code, 0);
      assert.match(out, /Usage: ios-backup work THING/);
      assert.match(out, /--udid U +the device/);
    }
    assert.match((await run(['--help'])).out, /work +do some work/);
  });

  it('has complete help for every real command', async () => {
    for (const name of Object.keys(commands)) {
      const { code, out } = await run([name, '--help'], { commands });
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: ios-backup ${name}`));
      for (const line of out.split('\n')) assert.ok(line.length <= 120, `${name}: ${line.length} columns: ${line}`);
    }
  });
});

describe('textOutput', () => {
  it('lets no name of a device or a backup steer the terminal', () => {
    let printed = '';
    const output = textOutput({ out: (text) => (printed += text), err() {}, columns: undefined });
    output.event('backup', {}, 'Ann\x1b]52;c;aGk=\x07\x1b[2J\r\x9b1A\tü 😀\nnext');
    assert.equal(printed, 'Ann\ufffd]52;c;aGk=\ufffd\ufffd[2J\ufffd\ufffd1A\tü 😀\nnext\n');
  });
});

describe('progressLine', () => {
  const job: Job = {
    id: '1',
    kind: 'backup',
    name: 'x',
    owner: { name: 'x', version: '1', pid: 1 },
    startedAt: '2026-01-01T00:00:00.000Z',
    progress: {
      stage: 'receiving',
      stageSince: '2026-01-01T00:00:00.000Z',
      fraction: 0.456,
      bytes: 1_200_000_000,
      files: 340,
      bytesPerSecond: 56_000_000,
      warnings: 0,
    },
  };
  const now = Date.parse('2026-01-01T00:01:20.000Z');

  it('shows what is known, and never wraps', () => {
    const line = progressLine(job, 120, now);
    assert.match(line, /^Copying files {2}█{9}░{11} 45.?% {2}1[.,]2 GB {2}340 files {2}56 MB\/s {2}1:20$/);
    for (let columns = 20; columns < 120; columns += 7)
      assert.ok([...progressLine(job, columns, now)].length < columns);
    const { fraction: _, ...unknown } = job.progress;
    const early = progressLine({ ...job, progress: { ...unknown, bytes: 0, files: 0, bytesPerSecond: 0 } }, 120, now);
    assert.equal(early, 'Copying files  1:20');
  });
});
