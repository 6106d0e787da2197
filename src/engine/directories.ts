import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AppError } from '../base/errors';

/** Where the engine keeps what it needs on this computer. Both exist, belong to the user and are closed to others. */
export interface EngineDirectories {
  /** Sockets and endpoint files: gone after a restart of the computer. */
  readonly runtime: string;
  /** Logs and history: stays. */
  readonly state: string;
}

/** Where to look; a test says its own. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

const NAME = 'ios-backup';
/** `sun_path` holds 104 bytes on macOS, 108 on Linux, one of them the final NUL. */
export const MAX_SOCKET_PATH = 103;
/** `<key>-<random>.s`, see endpoint.ts. */
const SOCKET_NAME_LENGTH = '0123456789abcdef-01234567.s'.length;

/**
 * Creates what is missing.
 * @throws AppError `engineUnavailable` when no folder is private to this user.
 */
export function engineDirectories({ env, platform }: Surroundings): EngineDirectories {
  const state = path.join(stateRoot(env, platform), NAME);
  makePrivate(state, platform);
  if (platform === 'win32') {
    const runtime = path.join(state, 'run');
    makePrivate(runtime, platform);
    return { runtime, state };
  }
  const problems: string[] = [];
  for (const runtime of runtimeCandidates(env, platform)) {
    if (Buffer.byteLength(runtime) + 1 + SOCKET_NAME_LENGTH > MAX_SOCKET_PATH) continue;
    try {
      makePrivate(runtime, platform);
      return { runtime, state };
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new AppError('engineUnavailable', `no private folder for the engine's socket: ${problems.join('; ')}`);
}

function stateRoot(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = os.homedir();
  if (platform === 'win32') return env['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local');
  if (env['XDG_STATE_HOME'] && path.isAbsolute(env['XDG_STATE_HOME'])) return env['XDG_STATE_HOME'];
  return platform === 'darwin' ? path.join(home, 'Library', 'Application Support') : path.join(home, '.local', 'state');
}

function* runtimeCandidates(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Generator<string> {
  const user = process.getuid?.() ?? 0;
  const configured = env['XDG_RUNTIME_DIR'];
  if (configured && path.isAbsolute(configured) && isOwnDirectory(configured)) yield path.join(configured, NAME);
  // A program started outside the login session (VS Code's server over SSH) lacks the variable, and must find the same engine.
  if (!configured && platform === 'linux' && isOwnDirectory(`/run/user/${user}`)) yield `/run/user/${user}/${NAME}`;
  yield path.join(os.tmpdir(), `${NAME}-${user}`);
  // TMPDIR can be too long for a socket.
  yield `/tmp/${NAME}-${user}`;
}

function isOwnDirectory(folder: string): boolean {
  try {
    const stats = fs.lstatSync(folder);
    return stats.isDirectory() && stats.uid === process.getuid?.();
  } catch {
    return false;
  }
}

/** In a shared folder such as /tmp another user may have made it first: then it is not ours, and not used. */
function makePrivate(folder: string, platform: NodeJS.Platform): void {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (platform === 'win32') return;
    const stats = fs.lstatSync(folder);
    if (!stats.isDirectory() || stats.uid !== process.getuid?.()) throw new Error('it belongs to somebody else');
    if ((stats.mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError('engineUnavailable', `${folder}: ${why}`, { cause: error });
  }
}
