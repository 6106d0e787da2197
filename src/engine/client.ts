import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { delay, throwIfAborted } from '../base/abort';
import type { Disposable } from '../base/disposable';
import { AppError, isAppError, isCancellation, toErrorData } from '../base/errors';
import { isProcessAlive } from '../base/isProcessAlive';
import { silentLog, type Log } from '../base/log';
import { engineDirectories, type EngineDirectories } from './directories';
import { engineKey, findEndpoint, isNobodyThere } from './endpoint';
import { engineBuild } from './engineBuild';
import { EngineConnection } from './engineConnection';
import { normalAddress } from './normalAddress';
import type { ClientInfo, EngineCalls, EngineInfo, EngineMethod, EngineState } from './protocol';
import { spawnEngine } from './spawnEngine';

export interface ConnectOptions {
  /** `dist/engine.js`. */
  readonly enginePath: string;
  /** A Node or Electron to run it with. Default: the program that runs this. */
  readonly nodePath?: string;
  readonly client: ClientInfo;
  /** Where usbmuxd listens. Empty or absent: `USBMUXD_SOCKET_ADDRESS`, else the platform's own place. */
  readonly address?: string;
  readonly log?: Log;
  /** Ends the attempt to connect; not the client. */
  readonly signal?: AbortSignal;
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A window's or command's line to the engine. State arrives by itself; parts of it that did not change stay the same
 * object, so a view may compare by identity.
 */
export interface EngineClient extends Disposable {
  readonly info: EngineInfo;
  readonly state: EngineState;
  /** `lost` while it looks for the engine again; then `connected`, or `closed` for good. */
  readonly connection: 'connected' | 'lost' | 'closed';
  /** Called with every new state, at most ten times a second. */
  onState(listener: (state: EngineState) => void): Disposable;
  /** `error` says why it was lost or closed; absent after dispose(). */
  onConnection(listener: (connection: EngineClient['connection'], error?: AppError) => void): Disposable;
  /** The end: the engine is gone and could not be started again. Not called after dispose(). */
  onClosed(listener: (error: AppError) => void): Disposable;
  /**
   * Aborting asks the engine to cancel; the promise settles when it has, usually with `cancelled`.
   * @throws AppError with the engine's code; `engineGone` if it ended before it answered.
   */
  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    options?: { readonly signal?: AbortSignal },
  ): Promise<EngineCalls[M]['result']>;
}

/** From first try to an answer, on a slow and busy computer. */
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 40;
/** An engine that is lost again this soon after it was found again would be lost for ever. */
const STABLE_MS = 10_000;

/**
 * Finds the running engine of this user and address, or starts it. Any number of processes may call this at once: they
 * get the same one.
 * @throws AppError `engineVersion` if another build runs and is busy; `engineUnavailable`; `cancelled`.
 */
export async function connectEngine(options: ConnectOptions): Promise<EngineClient> {
  const place = await locate(options);
  const connection = await obtain(place, { mayReplace: true }, options.signal);
  try {
    const state = await connection.call('subscribe', {}, options.signal);
    return new ReconnectingClient(place, connection, state);
  } catch (error) {
    // One that nobody has would keep the engine from ending.
    connection.end();
    throw error;
  }
}

/** What stays the same for one client. */
interface Place {
  readonly options: ConnectOptions;
  readonly directories: EngineDirectories;
  readonly env: NodeJS.ProcessEnv;
  readonly address: string;
  readonly key: string;
  readonly build: string;
  readonly log: Log;
}

async function locate(options: ConnectOptions): Promise<Place> {
  const env = options.env ?? process.env;
  const directories = engineDirectories({ env, platform: process.platform });
  const address = options.address?.trim() || env['USBMUXD_SOCKET_ADDRESS']?.trim() || '';
  let build: string;
  try {
    build = await engineBuild(options.enginePath);
  } catch (error) {
    throw new AppError('engineUnavailable', `cannot read ${options.enginePath}`, { cause: error });
  }
  const key = engineKey(normalAddress(address), directories.state);
  return { options, directories, env, address, key, build, log: options.log ?? silentLog };
}

/** An open connection to the engine that fits, found or started. */
async function obtain(
  place: Place,
  { mayReplace }: { readonly mayReplace: boolean },
  signal: AbortSignal | undefined,
): Promise<EngineConnection> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let lastProblem = 'it did not start';
  while (Date.now() < deadline) {
    throwIfAborted(signal);
    const found = await openExisting(place, signal);
    if (found?.info.version === place.build) return found;
    if (found && !mayReplace) {
      found.end();
      throw otherVersion(found, place);
    }
    lastProblem = (await startOnce(place, { found, deadline, signal })) ?? lastProblem;
  }
  throw new AppError('engineUnavailable', `no engine after ${START_TIMEOUT_MS / 1000} s: ${lastProblem}`);
}

async function openExisting(place: Place, signal: AbortSignal | undefined): Promise<EngineConnection | undefined> {
  const endpoint = await findEndpoint(place.directories.runtime, place.key);
  if (!endpoint) return undefined;
  try {
    return await EngineConnection.open(endpoint, place.options.client, signal);
  } catch (error) {
    // It has just ended, or was killed: its socket's path is left.
    if (isNobodyThere(error) || isAppError(error, 'engineGone')) return undefined;
    if (isAppError(error)) throw error;
    throw new AppError('engineUnavailable', `cannot connect to the engine, process ${endpoint.pid}`, { cause: error });
  }
}

interface StartOptions {
  /** An engine of another build, which must end first. */
  readonly found: EngineConnection | undefined;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts an engine, unless another process is about to: then waits a moment. That lock only saves work, and keeps the
 * clients of a replaced engine from starting it again; which engine is the one is settled between engines.
 * @returns what went wrong, if it is known.
 */
async function startOnce(place: Place, { found, deadline, signal }: StartOptions): Promise<string | undefined> {
  const lock = path.join(place.directories.runtime, `${place.key}.start`);
  try {
    if (!(await takeStartLock(lock))) {
      await delay(POLL_MS + crypto.randomInt(POLL_MS), signal);
      return undefined;
    }
    try {
      if (found) await endOther(found, place, signal);
      return await startAndWait(place, deadline, signal);
    } catch (error) {
      throw isAppError(error) || isCancellation(error) ? error : cannotStart(error);
    } finally {
      await fs.rm(lock, { force: true });
    }
  } finally {
    found?.end();
  }
}

/** A full disk, a folder that is not writable: trying again would not help. */
function cannotStart(cause: unknown): AppError {
  return new AppError('engineUnavailable', `cannot start the engine: ${toErrorData(cause).message}`, { cause });
}

async function startAndWait(
  place: Place,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { directories, key, address, env } = place;
  const { enginePath, nodePath } = place.options;
  const before = await findEndpoint(directories.runtime, key);
  const child = spawnEngine({ enginePath, address, env, ...(nodePath && { nodePath }) }, directories);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, by) => (ended = `it ended with ${by ?? code}`));
  place.log.info(`engine started, process ${child.pid}`);
  while (!ended && Date.now() < deadline) {
    const now = await findEndpoint(directories.runtime, key);
    if (now && now.token !== before?.token) return undefined;
    await delay(POLL_MS, signal);
  }
  // Without a pause a broken engine would be started hundreds of times.
  await delay(250, signal);
  return ended;
}

/** @throws AppError `engineVersion` if it is busy. */
async function endOther(found: EngineConnection, place: Place, signal: AbortSignal | undefined): Promise<void> {
  try {
    if (!(await found.call('shutdown', {}, signal))) throw otherVersion(found, place);
  } catch (error) {
    if (!isAppError(error, 'engineGone')) throw error;
  }
  place.log.info(`engine ${found.info.version} ends, because ${place.build} starts`);
  await Promise.race([found.closed, delay(START_TIMEOUT_MS, signal)]);
}

/** Only a first connection replaces: two windows of different versions would otherwise do it in turns for ever. */
function otherVersion({ info }: EngineConnection, { build }: Place): AppError {
  return new AppError('engineVersion', `engine ${info.version} is there; ${build} is wanted`, {
    details: { running: info.version, wanted: build },
  });
}

async function takeStartLock(lock: string): Promise<boolean> {
  try {
    await fs.writeFile(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    // Windows refuses a name for a moment while its last file is being removed.
    const going = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(code);
    if (code !== 'EEXIST' && !going) throw cannotStart(error);
  }
  const stats = await fs.stat(lock).catch(() => undefined);
  const owner = Number(await fs.readFile(lock, 'utf8').catch(() => ''));
  const stale = stats && (Date.now() - stats.mtimeMs > START_TIMEOUT_MS || (owner > 0 && !isProcessAlive(owner)));
  if (stale) await fs.rm(lock, { force: true });
  return false;
}

class ReconnectingClient implements EngineClient {
  readonly #place: Place;
  readonly #listeners = {
    state: new Set<(state: EngineState) => void>(),
    connection: new Set<(connection: EngineClient['connection'], error?: AppError) => void>(),
    closed: new Set<(error: AppError) => void>(),
  };
  readonly #lifetime = new AbortController();
  #current: EngineConnection;
  #since = Date.now();
  #reconnected = false;
  #state: EngineState;
  #connection: EngineClient['connection'] = 'connected';
  /** Said again to an engine that is found again: the folders are each client's own. */
  #folders: EngineCalls['watchFolders']['params'] | undefined;

  constructor(place: Place, connection: EngineConnection, state: EngineState) {
    this.#place = place;
    this.#current = connection;
    this.#state = state;
    this.#follow(connection);
  }

  get info(): EngineInfo {
    return this.#current.info;
  }

  get state(): EngineState {
    return this.#state;
  }

  get connection(): EngineClient['connection'] {
    return this.#connection;
  }

  onState(listener: (state: EngineState) => void): Disposable {
    return listen(this.#listeners.state, listener);
  }

  onConnection(listener: (connection: EngineClient['connection'], error?: AppError) => void): Disposable {
    return listen(this.#listeners.connection, listener);
  }

  onClosed(listener: (error: AppError) => void): Disposable {
    return listen(this.#listeners.closed, listener);
  }

  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    options?: { readonly signal?: AbortSignal },
  ): Promise<EngineCalls[M]['result']> {
    if (method === 'watchFolders') this.#folders = params as EngineCalls['watchFolders']['params'];
    if (this.#connection === 'connected') return this.#current.call(method, params, options?.signal);
    return Promise.reject(new AppError('engineGone', `not connected to the engine: ${method}`));
  }

  dispose(): void {
    if (this.#connection === 'closed') return;
    this.#lifetime.abort();
    this.#setConnection('closed');
    this.#current.end();
    for (const listeners of Object.values(this.#listeners)) listeners.clear();
  }

  #follow(connection: EngineConnection): void {
    connection.onState((changed) => {
      if (connection === this.#current) this.#setState({ ...this.#state, ...changed });
    });
    void connection.closed.then(() => this.#lost(connection));
  }

  async #lost(connection: EngineConnection): Promise<void> {
    if (this.#connection !== 'connected' || connection !== this.#current) return;
    const error = new AppError('engineGone', `the engine, process ${connection.info.pid}, ended`);
    this.#place.log.warn(error.message);
    if (this.#reconnected && Date.now() - this.#since < STABLE_MS) return this.#close(error);
    this.#setConnection('lost', error);
    try {
      const next = await obtain(this.#place, { mayReplace: false }, this.#lifetime.signal);
      this.#current = next;
      this.#since = Date.now();
      this.#reconnected = true;
      if (this.#folders) await next.call('watchFolders', this.#folders, this.#lifetime.signal);
      const state = await next.call('subscribe', {}, this.#lifetime.signal);
      this.#connection = 'connected';
      this.#follow(next);
      this.#setState(state);
      this.#setConnection('connected');
    } catch (problem) {
      if (this.#lifetime.signal.aborted) this.#current.end();
      else this.#close(isAppError(problem) ? problem : new AppError('engineUnavailable', toErrorData(problem).message));
    }
  }

  #close(error: AppError): void {
    this.#current.end();
    this.#setConnection('closed', error);
    for (const listener of [...this.#listeners.closed]) listener(error);
  }

  #setState(state: EngineState): void {
    this.#state = state;
    for (const listener of [...this.#listeners.state]) listener(state);
  }

  #setConnection(connection: EngineClient['connection'], error?: AppError): void {
    this.#connection = connection;
    for (const listener of [...this.#listeners.connection]) listener(connection, error);
  }
}

function listen<T>(listeners: Set<T>, listener: T): Disposable {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}
