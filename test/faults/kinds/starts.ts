import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundleProgram, type EngineHome, makeEngineHome } from '../../support/engineProcess';
import { until } from '../../support/until';
import type { FaultKind, FaultStory } from '../faultKind';
import type { Random } from '../random';

/** Above any that Linux gives. */
const DEAD_PID = 4_194_304_999;

/** What an engine before may have left behind. */
const LEFTOVERS: Readonly<Record<string, (runtime: string, key: string) => void>> = {
  'a killed engine': () => {},
  'a killed engine and the lock of a dead starter': (runtime, key) => put(runtime, `${key}.start`, String(DEAD_PID)),
  'a claim of garbage': (runtime, key) => put(runtime, nextClaim(runtime, key), '{"pid": 1, "socket'),
  'a claim on a process id that somebody else has by now': (runtime, key) =>
    put(runtime, nextClaim(runtime, key), claim(process.pid, path.join(runtime, 'gone.s'))),
  'a claim whose socket is a plain file': (runtime, key) => {
    put(runtime, `${key}-feed.s`, '');
    put(runtime, nextClaim(runtime, key), claim(DEAD_PID, path.join(runtime, `${key}-feed.s`)));
  },
  'an empty claim, and a lock of garbage': (runtime, key) => {
    const empty = nextClaim(runtime, key);
    put(runtime, empty, '');
    put(runtime, `${key}.start`, 'no number');
    const old = new Date(Date.now() - 120_000);
    for (const name of [empty, `${key}.start`]) fs.utimesSync(path.join(runtime, name), old, old);
  },
};

/** Fifty windows and commands that start at the same moment, after an engine that has not ended well. */
class ManyStarts implements FaultStory {
  private constructor(
    private readonly home: EngineHome,
    private readonly program: string,
    private readonly engine: string,
  ) {}

  static async start(): Promise<ManyStarts> {
    const [program, engine] = await Promise.all([
      bundleProgram('test/support/connectMany.ts'),
      bundleProgram('src/engine/main.ts'),
    ]);
    return new ManyStarts(await makeEngineHome({ idleMs: 60_000 }), program, engine);
  }

  async round(_random: Random, round: number): Promise<string> {
    const { home } = this;
    const before = await home.connect();
    before.dispose();
    process.kill(before.info.pid, 'SIGKILL');
    await until(() => home.enginePids().length === 0);
    const runtime = path.join(home.env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup');
    const key = fs
      .readdirSync(runtime)
      .find((name) => name.endsWith('.json'))
      ?.split('.')[0];
    assert.ok(key, 'the killed engine leaves its claim');
    const [what, leave] = Object.entries(LEFTOVERS)[round % Object.keys(LEFTOVERS).length] ?? assert.fail();
    leave(runtime, key);
    const run = promisify(execFile);
    const starts = Array.from({ length: 10 }, () =>
      run(process.execPath, [this.program, this.engine, '5'], { env: home.env, timeout: 60_000 }),
    );
    const served = (await Promise.all(starts)).flatMap(({ stdout }) => stdout.trim().split('\n'));
    assert.equal(served.length, 50, what);
    assert.equal(new Set(served).size, 1, `${what}: engines ${[...new Set(served)].join(', ')}`);
    await until(() => home.enginePids().length === 1);
    assert.deepEqual(home.enginePids().map(String), [...new Set(served)], what);
    const claims = fs.readdirSync(runtime).filter((name) => /\.json$|\.start$/.test(name));
    assert.equal(claims.length, 1, `${what}: ${claims.join(', ')}`);
    const sockets = fs.readdirSync(runtime).filter((name) => name.endsWith('.s'));
    for (const name of sockets) assert.equal(await accepts(path.join(runtime, name)), true, `${what}: ${name} is dead`);
    return 'one engine served 50';
  }

  [Symbol.asyncDispose]() {
    return this.home[Symbol.asyncDispose]();
  }
}

function put(runtime: string, name: string, content: string): void {
  fs.writeFileSync(path.join(runtime, name), content, { mode: 0o600 });
}

/** Claims have growing numbers; the highest holds. */
function nextClaim(runtime: string, key: string): string {
  const numbers = fs.readdirSync(runtime).map((name) => Number(/\.(\d+)\.json$/.exec(name)?.[1] ?? 0));
  return `${key}.${Math.max(0, ...numbers) + 1}.json`;
}

function claim(pid: number, socket: string): string {
  return JSON.stringify({ pid, socket, token: 'x' });
}

function accepts(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(place);
    const told = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => told(true));
    socket.once('error', () => told(false));
  });
}

export const manyStarts: FaultKind = {
  name: 'manyStarts',
  what: '50 clients in ten processes start the engine at once, after what a dead one can leave',
  rounds: 6,
  short: 1,
  start: () => ManyStarts.start(),
};
