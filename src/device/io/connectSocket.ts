import net from 'node:net';
import { AppError, cancelled } from '../../base/errors';
import { throwIfAborted } from '../../base/abort';
import { SocketStream } from './socketStream';

export type SocketAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A silent TCP peer is asked whether it still lives after this time. */
const KEEP_ALIVE_MS = 10_000;

/**
 * Opens a connection.
 * @throws AppError `timedOut`, `cancelled`; else the system's own error with its `code` (`ENOENT`, `ECONNREFUSED` …).
 */
export function connectSocket(
  address: SocketAddress,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<SocketStream> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal);
    const socket =
      address.kind === 'unix'
        ? net.connect({ path: address.path })
        : net.connect({
            host: address.host,
            port: address.port,
            noDelay: true,
            keepAlive: true,
            keepAliveInitialDelay: KEEP_ALIVE_MS,
          });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      socket.off('error', onError);
    };
    const fail = (error: Error) => {
      settle();
      socket.on('error', () => {}); // Whatever it still says, somebody has been told already.
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(cancelled());
    const onError = (error: Error) => fail(error);
    const onConnect = () => {
      settle();
      resolve(new SocketStream(socket));
    };
    const timer = setTimeout(() => fail(new AppError('timedOut', `no connection within ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', onConnect);
    socket.once('error', onError);
  });
}
