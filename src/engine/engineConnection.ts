import net from 'node:net';
import {
  CancellationTokenSource,
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { abortable, throwIfAborted } from '../base/abort';
import { AppError, fromErrorData, type ErrorData } from '../base/errors';
import type { Endpoint } from './endpoint';
import type { ClientInfo, EngineCalls, EngineInfo, EngineMethod, EngineState } from './protocol';

/** The engine answers `hello` at once; one that does not is stopped or hangs. */
const HELLO_TIMEOUT_MS = 10_000;

/** One socket to one engine, from `hello` to its end. Does not reconnect. */
export class EngineConnection {
  readonly info: EngineInfo;
  readonly #rpc: MessageConnection;
  readonly #closed: Promise<void>;
  #isClosed = false;

  private constructor(rpc: MessageConnection, closed: Promise<void>, info: EngineInfo) {
    this.#rpc = rpc;
    this.info = info;
    this.#closed = closed.then(() => {
      this.#isClosed = true;
    });
  }

  /**
   * @throws a system error (`ECONNREFUSED`, `ENOENT`) if nobody is there; AppError `engineGone` if it went away
   *   meanwhile; AppError `engineUnavailable` if it does not answer; AppError `notAllowed` if it refuses the token.
   */
  static async open(
    endpoint: Endpoint,
    client: ClientInfo,
    signal: AbortSignal | undefined,
  ): Promise<EngineConnection> {
    throwIfAborted(signal);
    const socket = await connect(endpoint.socket, signal);
    // Its end is told by onClose.
    socket.on('error', () => {});
    const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    const closed = new Promise<void>((resolve) => rpc.onClose(resolve)).then(() => {
      // Rejects what still waits for an answer.
      rpc.dispose();
      socket.destroy();
    });
    rpc.onError(() => socket.destroy());
    rpc.listen();
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), HELLO_TIMEOUT_MS);
    try {
      const hello = request(rpc, 'hello', { token: endpoint.token, client }, undefined);
      const info = await abortable(hello, signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal);
      return new EngineConnection(rpc, closed, info);
    } catch (error) {
      socket.destroy();
      if (!timeout.signal.aborted) throw error;
      throw new AppError('engineUnavailable', `the engine, process ${endpoint.pid}, does not answer`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the connection has ended, whoever ended it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** What changed; `subscribe` told the whole. */
  onState(listener: (changed: Partial<EngineState>) => void): void {
    this.#rpc.onNotification('state', listener);
  }

  /** Aborting asks the engine to cancel; it settles when the engine has. */
  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal | undefined,
  ): Promise<EngineCalls[M]['result']> {
    if (this.#isClosed) return Promise.reject(gone(method));
    return request(this.#rpc, method, params, signal);
  }

  end(): void {
    if (!this.#isClosed) this.#rpc.end();
  }
}

function connect(path: string, signal: AbortSignal | undefined): Promise<net.Socket> {
  const socket = net.connect(path);
  const connected = new Promise<net.Socket>((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
  return abortable(connected, signal).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
}

async function request<M extends EngineMethod>(
  rpc: MessageConnection,
  method: M,
  params: EngineCalls[M]['params'],
  signal: AbortSignal | undefined,
): Promise<EngineCalls[M]['result']> {
  throwIfAborted(signal);
  const source = new CancellationTokenSource();
  const onAbort = () => source.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await rpc.sendRequest<EngineCalls[M]['result']>(method, params, source.token);
  } catch (error) {
    throw toAppError(error, method);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    source.dispose();
  }
}

function toAppError(error: unknown, method: EngineMethod): AppError {
  if (error instanceof ResponseError && isErrorData(error.data)) return fromErrorData(error.data);
  return gone(method, error);
}

function gone(method: EngineMethod, cause?: unknown): AppError {
  return new AppError('engineGone', `the engine ended before it answered ${method}`, { cause });
}

function isErrorData(value: unknown): value is ErrorData {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'details' in value;
}
