import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { delay } from '../../../src/base/abort';
import { endProcessesOf } from './endProcessesOf';
import { type HostFront, startHostFront } from './hostFront';

const host = path.join(PROJECT_ROOT, 'test', 'host');
const serverFolder = path.join(host, 'node_modules', 'code-server', 'lib', 'vscode');
const serverMain = path.join(serverFolder, 'out', 'server-main.js');

export interface HostServerOptions {
  /** Folders of extensions (linked, as installed) or .vsix files (installed). */
  readonly extensions?: readonly string[];
  /** User settings, beside the quiet ones of quietSettings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Also seen by extensions. Gets the run's folder. */
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /**
   * Where everything lives: by default a folder of its own with its own home, which is deleted at the end. A given one
   * is kept, and so is the person's own home.
   */
  readonly folder?: string;
  /** A fixed one serves a restarted server to the same origin (stored secrets are the browser's, by origin). */
  readonly port?: number;
}

/** A running VS Code server: the compiled one of the npm package code-server, in test/host. */
export interface HostServer {
  /** The run's folder: short, because the paths of Unix sockets end at 107 bytes. */
  readonly folder: string;
  readonly home: string;
  /** An empty folder to open. */
  readonly workspace: string;
  /** `http://127.0.0.1:PORT/`, a whole VS Code for any browser of this computer. */
  readonly url: string;
  readLog(): string;
  /** Ends the server and all that was started below it, a detached engine too, and deletes the folder. */
  stop(): Promise<void>;
}

const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.experimentalOnboarding': false,
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'chat.disableAIFeatures': true,
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
};

export async function startHostServer(options: HostServerOptions = {}): Promise<HostServer> {
  linkModules();
  const own = options.folder === undefined;
  const folder = options.folder ?? fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'ib-'));
  const at = (...names: string[]) => path.join(folder, ...names);
  for (const name of ['data/User', 'ext', 'workspace', ...(own ? ['tmp', 'home', 'run'] : [])]) {
    fs.mkdirSync(at(name), { recursive: true, mode: 0o700 });
  }
  const settings = JSON.stringify({ ...quietSettings, ...options.settings }, null, 2);
  fs.writeFileSync(at('data', 'User', 'settings.json'), settings);

  const logFile = at('server.log');
  fs.writeFileSync(logFile, '');
  const readLog = () => fs.readFileSync(logFile, 'utf8');
  const env = serverEnv(own ? ownHome(folder) : {}, options.env?.(folder));
  const folders = ['--server-data-dir', folder, '--user-data-dir', at('data'), '--extensions-dir', at('ext')];
  const start = (args: readonly string[]) => {
    const log = fs.openSync(logFile, 'a');
    // Detached: a group of its own, which is ended as a whole.
    const child = spawn(nodeBinary(), [serverMain, ...args, ...folders], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env,
    });
    fs.closeSync(log);
    return child;
  };

  for (const extension of options.extensions ?? []) await install(extension, at('ext'), start, readLog);

  const server = start([
    ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
    ...['--telemetry-level', 'off', '--log', 'info'],
  ]);
  let front: HostFront | undefined;
  const onExit = () => {
    killGroup(server, 'SIGKILL');
    if (!own) return;
    endProcessesOf(folder);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', onExit);
  const stop = async () => {
    await front?.close();
    await endServer(server);
    process.off('exit', onExit);
    if (!own) return;
    endProcessesOf(folder);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    front = await startHostFront(await listeningPort(server, readLog), options.port);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `http://127.0.0.1:${front.port}/`;
  return {
    folder,
    home: own ? at('home') : os.homedir(),
    workspace: at('workspace'),
    url,
    readLog,
    stop,
  };
}

/** VS Code needs Node 24 (registerHooks of node:module); the npm package node-linux-* holds a real one. */
function nodeBinary(): string {
  const own = path.join(host, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (fs.existsSync(own)) return own;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    'the VS Code server needs Node 24 on this platform: start this with Node 24, or use a desktop VS Code',
  );
}

/** npm puts what the server imports beside code-server; the server also serves part of it, as its own node_modules. */
function linkModules(): void {
  if (!fs.existsSync(serverMain)) throw new Error('the VS Code server is not installed: node scripts/setup.mjs host');
  const link = path.join(serverFolder, 'node_modules');
  if (fs.existsSync(link)) return;
  try {
    const kind = process.platform === 'win32' ? 'junction' : 'dir';
    fs.symlinkSync(path.join(host, 'node_modules'), link, kind);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // Another run was faster.
  }
}

/** Everything that a program may take from the person's home, it finds in the run's own. */
function ownHome(folder: string): Record<string, string> {
  const home = path.join(folder, 'home');
  return {
    HOME: home,
    USERPROFILE: home,
    TMPDIR: path.join(folder, 'tmp'),
    XDG_RUNTIME_DIR: path.join(folder, 'run'),
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local', 'share'),
    XDG_STATE_HOME: path.join(home, '.local', 'state'),
    XDG_CACHE_HOME: path.join(home, '.cache'),
  };
}

function serverEnv(...extra: readonly (Readonly<Record<string, string>> | undefined)[]): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|npm_|TEST_RESULT$)/.test(name),
  );
  // Without a gallery there are no look-ups of open-vsx.org.
  const gallery = { EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
  return Object.assign(Object.fromEntries(inherited), gallery, ...extra) as NodeJS.ProcessEnv;
}

async function install(
  extension: string,
  folder: string,
  start: (args: readonly string[]) => ChildProcess,
  readLog: () => string,
): Promise<void> {
  if (extension.endsWith('.vsix')) {
    const child = start(['--install-extension', extension]);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`installing ${extension} ended with ${String(code)}:\n${readLog()}`);
    return;
  }
  const text = fs.readFileSync(path.join(extension, 'package.json'), 'utf8');
  const { publisher, name, version } = JSON.parse(text) as Record<'publisher' | 'name' | 'version', string>;
  const link = path.join(folder, `${publisher}.${name}-${version}`);
  fs.rmSync(link, { force: true });
  fs.symlinkSync(extension, link, 'dir');
}

async function listeningPort(server: ChildProcess, readLog: () => string): Promise<number> {
  for (const end = Date.now() + 60_000; ;) {
    const port = /Extension host agent listening on (\d+)/.exec(readLog())?.[1];
    if (port) return Number(port);
    if (server.exitCode !== null || server.signalCode !== null || Date.now() > end) {
      throw new Error(`the VS Code server did not start (exit code ${server.exitCode}):\n${readLog().slice(-4000)}`);
    }
    await delay(50);
  }
}

async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    killGroup(server, 'SIGTERM');
    const timer = setTimeout(() => killGroup(server, 'SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  }
  killGroup(server, 'SIGKILL'); // Hosts of extensions, terminals and watchers that are still there.
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}
