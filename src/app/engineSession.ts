import * as vscode from 'vscode';
import { isCancellation, toErrorData, type ErrorCode } from '../base/errors';
import { connectEngine, type EngineClient } from '../engine/client';
import type { EngineCalls, EngineMethod, EngineState } from '../engine/protocol';
import { onSettingsChanged, settings } from './settings';

/** Whether this window hears from the engine. */
export type SessionState = 'connecting' | 'connected' | 'lost';

/** While an engine of another version is at work, this one cannot start: its end is asked for now and then. */
const RETRY_MS = 5000;

/**
 * This window's line to the engine: connects in the background, again when the address changes, and tells every view
 * the newest state. Nobody waits for it but those who ask for something.
 */
export class EngineSession implements vscode.Disposable {
  readonly #enginePath: string;
  readonly #version: string;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[] = [];
  #connecting: Promise<EngineClient> | undefined;
  #abort = new AbortController();
  #client: EngineClient | undefined;
  #problem: ErrorCode | undefined;
  #retry: NodeJS.Timeout | undefined;
  #address: string;
  #disposed = false;

  /** After anything changed: the state, or whether there is one. */
  readonly onChange = this.#changed.event;

  constructor(enginePath: string, version: string, log: vscode.LogOutputChannel) {
    this.#enginePath = enginePath;
    this.#version = version;
    this.#log = log;
    this.#address = settings().socketAddress;
    this.#subscriptions.push(
      this.#changed,
      onSettingsChanged(() => this.#followSettings()),
    );
  }

  /** The newest state; undefined until the engine has answered. */
  get state(): EngineState | undefined {
    return this.#client?.connection === 'closed' ? undefined : this.#client?.state;
  }

  get session(): SessionState {
    if (this.#client) return this.#client.connection === 'connected' ? 'connected' : 'lost';
    return this.#connecting ? 'connecting' : 'lost';
  }

  /** Why there is no engine, while the session is lost. */
  get problem(): ErrorCode | undefined {
    return this.session === 'lost' ? (this.#problem ?? 'engineGone') : undefined;
  }

  /** What the engine is, `0.1.0` and the mark of its build. */
  get build(): string | undefined {
    return this.#client?.info.version;
  }

  /** Where the engine writes its log. */
  get logFile(): string | undefined {
    return this.#client?.info.logFile;
  }

  /** Connects in the background; trouble goes to the log and to `session`. */
  start(): void {
    this.#connect().catch((error: unknown) => {
      if (!isCancellation(error)) this.#log.error(`no engine: ${String(error)}`);
    });
  }

  /** @throws AppError with the engine's code. */
  async call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal?: AbortSignal,
  ): Promise<EngineCalls[M]['result']> {
    const client = await this.#connect();
    return client.call(method, params, signal ? { signal } : {});
  }

  dispose(): void {
    this.#disposed = true;
    this.#disconnect();
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  #connect(): Promise<EngineClient> {
    if (this.#client && this.#client.connection !== 'closed') return Promise.resolve(this.#client);
    if (!this.#connecting) {
      clearTimeout(this.#retry);
      const connecting = this.#open()
        .catch((error: unknown) => {
          this.#giveUp(toErrorData(error).code);
          throw error;
        })
        .finally(() => {
          // Another address may have been set meanwhile.
          if (this.#connecting === connecting) this.#connecting = undefined;
          this.#fire();
        });
      this.#connecting = connecting;
      this.#fire();
    }
    return this.#connecting;
  }

  #giveUp(code: ErrorCode): void {
    this.#problem = code;
    if (code !== 'engineVersion' || this.#disposed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.start(), RETRY_MS);
  }

  async #open(): Promise<EngineClient> {
    const { signal } = this.#abort;
    const client = await connectEngine({
      enginePath: this.#enginePath,
      client: { name: 'VS Code', version: this.#version, pid: process.pid },
      address: this.#address,
      log: this.#log,
      signal,
    });
    if (signal.aborted) {
      client.dispose();
      signal.throwIfAborted();
    }
    this.#client = client;
    client.onState(() => this.#fire());
    client.onConnection((connection, error) => {
      if (error) this.#log.warn(`engine ${connection}: ${error.code} ${error.message}`);
      if (connection !== 'connected') this.#giveUp(error?.code ?? 'engineGone');
      // An engine that was started again knows none of this window's folders.
      if (connection === 'connected') this.#watchFolders(client);
      this.#fire();
    });
    this.#watchFolders(client);
    return client;
  }

  #followSettings(): void {
    const { socketAddress } = settings();
    if (socketAddress !== this.#address) {
      this.#address = socketAddress;
      this.#disconnect();
      this.start();
      return;
    }
    if (this.#client) this.#watchFolders(this.#client);
  }

  #watchFolders(client: EngineClient): void {
    client.call('watchFolders', { folders: settings().listedFolders }).catch((error: unknown) => {
      if (!isCancellation(error)) this.#log.warn(`cannot watch the folders: ${String(error)}`);
    });
  }

  #disconnect(): void {
    clearTimeout(this.#retry);
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#client?.dispose();
    this.#client = undefined;
    this.#connecting = undefined;
    this.#fire();
  }

  #fire(): void {
    if (!this.#disposed) this.#changed.fire();
  }
}
