import { build } from 'esbuild';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connectEngine, type ConnectOptions, type EngineClient } from '../../src/engine/client';

declare const PROJECT_ROOT: string;

/** As in dist: programs find each other by these names. */
const NAMES: Readonly<Record<string, string>> = {
  'src/engine/main.ts': 'engine',
  'src/cli.ts': 'cli',
  'src/backups/format/deriveWorker.ts': 'derive',
  'src/backups/verify/verifyWorker.ts': 'verify',
  'src/backups/reader/extractWorker.ts': 'extract',
  'test/support/faultyEngine.ts': 'faultyEngine',
};
const built = new Map<string, Promise<string>>();

/**
 * Bundles a program of the project, as `node esbuild.js` does, once per test run; all of them into one folder.
 * @param entry Relative to the project: `src/engine/main.ts`.
 * @returns the bundle's path.
 */
export function bundleProgram(entry: string): Promise<string> {
  let program = built.get(entry);
  if (!program) {
    program = bundle(entry);
    built.set(entry, program);
  }
  return program;
}

async function bundle(entry: string): Promise<string> {
  // Beside the tests' own bundles, which are removed when the run ends.
  const folder = path.join(PROJECT_ROOT, 'out', 'test', String(process.pid), 'programs');
  const outfile = path.join(folder, `${NAMES[entry] ?? path.basename(entry, '.ts')}.js`);
  await build({
    entryPoints: [path.join(PROJECT_ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
    loader: { '.wasm': 'file' },
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  return outfile;
}

/** `dist/cli.js`, with the engine and whatever else it starts beside it. */
export async function bundleCli(): Promise<string> {
  const worker = 'src/backups/format/deriveWorker.ts';
  const entries = [
    'src/cli.ts',
    'src/engine/main.ts',
    'src/backups/verify/verifyWorker.ts',
    'src/backups/reader/extractWorker.ts',
    ...(fs.existsSync(path.join(PROJECT_ROOT, worker)) ? [worker] : []),
  ];
  const [cli = ''] = await Promise.all(entries.map(bundleProgram));
  return cli;
}

export interface EngineHome extends AsyncDisposable {
  /** A short path: sockets live below it. */
  readonly folder: string;
  /** For programs that shall use this home's engine, and no other. */
  readonly env: NodeJS.ProcessEnv;
  /** Connects to this home's engine, which is started if need be. */
  connect(options?: Partial<ConnectOptions>): Promise<EngineClient>;
  /** Processes of engines of this home that are alive. */
  readonly enginePids: () => readonly number[];
}

export interface EngineHomeOptions {
  /** Where usbmuxd listens; by default nobody does. */
  readonly muxAddress?: string;
  readonly idleMs?: number;
  /** Another program than the engine's own, relative to the project. */
  readonly program?: string;
  /** For the engine, besides its usual environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A private place for an engine's files, so that a test meets no other engine; its end ends every engine in it. */
export async function makeEngineHome(options: EngineHomeOptions = {}): Promise<EngineHome> {
  // First: a program that cannot be built leaves nothing behind.
  const enginePath = await bundleProgram(options.program ?? 'src/engine/main.ts');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ib-'));
  const runtime = path.join(folder, 'run');
  fs.mkdirSync(runtime, { mode: 0o700 });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    XDG_RUNTIME_DIR: runtime,
    XDG_STATE_HOME: path.join(folder, 'state'),
    LOCALAPPDATA: path.join(folder, 'state'),
    USBMUXD_SOCKET_ADDRESS: options.muxAddress ?? `UNIX:${path.join(folder, 'nobody')}`,
    IOS_BACKUP_ENGINE_IDLE_MS: String(options.idleMs ?? 10_000),
    ...options.env,
  };
  return {
    folder,
    env,
    connect: (more) =>
      connectEngine({ enginePath, env, client: { name: 'test', version: '0', pid: process.pid }, ...more }),
    enginePids: () => pidsWith(env),
    async [Symbol.asyncDispose]() {
      await endAll(env);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Engines that have said so in their file, or are still starting: found by their environment on Linux. */
function pidsWith(env: NodeJS.ProcessEnv): number[] {
  if (process.platform !== 'linux') return claimedPids(env).filter(isAlive);
  const wanted = `XDG_STATE_HOME=${env['XDG_STATE_HOME']}\0`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const isEngine = /programs\/(?:engine|faultyEngine)\.js/.test(fs.readFileSync(`/proc/${name}/cmdline`, 'utf8'));
        return isEngine && fs.readFileSync(`/proc/${name}/environ`, 'utf8').includes(wanted);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function claimedPids(env: NodeJS.ProcessEnv): number[] {
  const runtime = path.join(env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup');
  if (!fs.existsSync(runtime)) return [];
  return fs
    .readdirSync(runtime)
    .filter((name) => name.endsWith('.json'))
    .map((name) => (JSON.parse(fs.readFileSync(path.join(runtime, name), 'utf8')) as { pid: number }).pid);
}

async function endAll(env: NodeJS.ProcessEnv): Promise<void> {
  for (const pid of pidsWith(env)) trySignal(pid, 'SIGTERM');
  for (let waited = 0; pidsWith(env).length > 0; waited += 20) {
    if (waited > 5000) for (const pid of pidsWith(env)) trySignal(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
