import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import {
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { AppError, toErrorData } from '../base/errors';
import type { Log } from '../base/log';
import { handlers, type ServedMethod } from './handlers';
import { Params } from './params';
import type { ClientInfo, EngineInfo, EngineMethod, EngineState } from './protocol';
import type { StateHub, StatePart } from './stateHub';
import type { EngineServices } from './useCases/engineServices';

/** Who has connected and says nothing is let go. */
const HELLO_TIMEOUT_MS = 10_000;
/** `hello` is far smaller; nobody fills the memory before it has shown the token. */
const MAX_BYTES_BEFORE_HELLO = 64 * 1024;
/** JSON-RPC's range for errors of the server. */
const RPC_ERROR = -32000;

export interface ServerOptions {
  readonly token: string;
  readonly hub: StateHub;
  readonly services: EngineServices;
  readonly info: () => EngineInfo;
  /** Ends the engine if no job runs. @returns whether it will. */
  readonly shutdown: () => boolean;
  /** A client came or went. */
  readonly clientsChanged: () => void;
  readonly log: Log;
}

/** Serves windows and command lines over a private socket or pipe. */
export class EngineServer {
  readonly #options: ServerOptions;
  readonly #server = net.createServer((socket) => this.#accept(socket));
  readonly #sessions = new Set<Session>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server.on('error', (error) => options.log.error(`server: ${error.message}`));
    options.hub.onChange((changed) => {
      for (const session of this.#sessions) session.changed(changed);
    });
  }

  get clients(): number {
    return this.#sessions.size;
  }

  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socketPath, () => {
        this.#server.off('error', reject);
        // The folder is closed to others already; on some systems the socket counts too.
        if (process.platform !== 'win32') fs.chmodSync(socketPath, 0o600);
        resolve();
      });
    });
  }

  /** Ends all connections; the socket's path is removed. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.end();
    return closed;
  }

  #accept(socket: net.Socket): void {
    const session = new Session(socket, this.#options, () => {
      this.#sessions.delete(session);
      this.#options.clientsChanged();
    });
    this.#sessions.add(session);
    this.#options.clientsChanged();
  }
}

/** One client, from its connection to its end. */
class Session {
  readonly #socket: net.Socket;
  readonly #options: ServerOptions;
  readonly #rpc: MessageConnection;
  readonly #helloTimer: NodeJS.Timeout;
  #client: ClientInfo | undefined;
  #subscribed = false;
  #pending = new Set<StatePart>();
  #sending = false;
  #ended = false;

  constructor(socket: net.Socket, options: ServerOptions, onEnd: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#helloTimer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    socket.on('data', this.#limitStranger);
    // Its end is told by onClose; an error after that must not end the engine.
    socket.on('error', () => {});
    this.#rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    this.#rpc.onRequest((method, params, token) => this.#serve(method, params, token));
    this.#rpc.onError(() => socket.destroy());
    this.#rpc.onClose(() => {
      this.#ended = true;
      clearTimeout(this.#helloTimer);
      this.#rpc.dispose();
      socket.destroy();
      options.services.catalogue.forget(this);
      onEnd();
    });
    this.#rpc.listen();
  }

  end(): void {
    this.#socket.end();
    // One that does not read would keep the engine from ending.
    setTimeout(() => this.#socket.destroy(), 500).unref();
  }

  changed(parts: readonly StatePart[]): void {
    if (!this.#subscribed) return;
    for (const part of parts) this.#pending.add(part);
    void this.#send();
  }

  /** One notification at a time: a client that reads slowly gets fewer, always with the latest state. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#pending.size > 0 && !this.#ended) {
        const { state } = this.#options.hub;
        const changed: Partial<EngineState> = Object.fromEntries([...this.#pending].map((part) => [part, state[part]]));
        this.#pending.clear();
        await this.#rpc.sendNotification('state', changed);
      }
    } catch {
      // It has gone; onClose follows.
    } finally {
      this.#sending = false;
    }
  }

  readonly #limitStranger = (): void => {
    if (this.#client) this.#socket.off('data', this.#limitStranger);
    else if (this.#socket.bytesRead > MAX_BYTES_BEFORE_HELLO) this.#socket.destroy();
  };

  async #serve(method: string, params: unknown, token: CancellationToken): Promise<unknown> {
    try {
      return await this.#answer(method, new Params(params), token);
    } catch (error) {
      const data = toErrorData(error);
      const log = this.#options.log;
      if (data.code === 'unexpected') log.error(`${method}: ${error instanceof Error ? error.stack : data.message}`);
      else log.debug(`${method}: ${data.code}: ${data.message}`);
      return new ResponseError(RPC_ERROR, data.message, data);
    }
  }

  async #answer(method: string, params: Params, token: CancellationToken): Promise<unknown> {
    const { services, hub, shutdown } = this.#options;
    if (!this.#client) {
      if (method === 'hello') return this.#hello(params);
      return this.#refuse('hello comes first');
    }
    this.#options.log.debug(`${this.#client.name} (${this.#client.pid}): ${method}`);
    const owner = this.#client;
    switch (method as EngineMethod) {
      case 'hello':
        throw new AppError('notAllowed', 'hello was said');
      case 'subscribe':
        // From here on; what changes while this answer is on its way follows it.
        this.#subscribed = true;
        return hub.state;
      case 'watchFolders':
        return services.catalogue.setFolders(this, params.paths('folders'));
      case 'shutdown':
        return shutdown();
      default: {
        const handler = Object.hasOwn(handlers, method) ? handlers[method as ServedMethod] : undefined;
        if (!handler) throw new AppError('notAllowed', `unknown request ${method.slice(0, 100)}`);
        return withSignal<unknown>(token, (signal) => handler(services, params, { owner, signal }));
      }
    }
  }

  #hello(params: Params): EngineInfo {
    const client = params.inner('client');
    if (!sameToken(params.text('token'), this.#options.token)) {
      return this.#refuse('wrong token');
    }
    const name = client.text('name').slice(0, 100);
    this.#client = { name, version: client.text('version').slice(0, 100), pid: client.number('pid') };
    clearTimeout(this.#helloTimer);
    return this.#options.info();
  }

  #refuse(why: string): never {
    this.#options.log.warn(`a client was refused: ${why}`);
    // After the answer.
    setTimeout(() => this.end(), 50);
    throw new AppError('notAllowed', why);
  }
}

async function withSignal<T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  const subscription = token.onCancellationRequested(() => abort.abort());
  try {
    return await work(abort.signal);
  } finally {
    subscription.dispose();
  }
}

function sameToken(given: string, expected: string): boolean {
  const digest = (text: string) => crypto.createHash('sha256').update(text).digest();
  return crypto.timingSafeEqual(digest(given), digest(expected));
}
