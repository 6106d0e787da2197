import fs from 'node:fs';
import {
  type CancellationToken,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { AppError, toErrorData } from '../base/errors';
import { keepMemoryPrivate } from '../base/keepMemoryPrivate';
import type { Envelope, ReaderMethod, ReaderNotifications, ReaderProgress } from './protocol';
import { ReaderSession } from './readerCalls';

/** A request failed; `data` says why. Any number that JSON-RPC does not use itself. */
const FAILED = 1;

/**
 * The entry of dist/reader.js: serves one backup over the channel to its parent, and ends with it. Nothing secret is in
 * its arguments or environment, and it writes nowhere but where extraction is asked for.
 */
function main(): void {
  keepMemoryPrivate();
  if (!process.send) throw new Error('the reader is started by another program, with a channel');
  const session = new ReaderSession();
  const end = () => {
    session.close();
    process.exit(0);
  };
  process.once('disconnect', end);
  // Ctrl-C in a terminal reaches children as well; their parent decides.
  process.on('SIGINT', () => {});
  process.once('SIGTERM', end);
  process.on('uncaughtException', (error) => {
    // Without this Node prints all that hangs on the error; the keys are overwritten, as at every end.
    fs.writeSync(process.stderr.fd, `${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}\n`);
    session.close();
    process.exit(1);
  });

  const idle = new IdleTimer(end);
  const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
  for (const method of Object.keys(session.handlers) as ReaderMethod[]) {
    connection.onRequest(method, async (envelope: Envelope<ReaderMethod>, token: CancellationToken) => {
      const { call, params } = envelope;
      if (method === 'open') idle.start((params as Envelope<'open'>['params']).idleMs);
      const abort = new AbortController();
      const cancel = token.onCancellationRequested(() => abort.abort());
      const onProgress = (progress: ReaderProgress) => {
        void connection.sendNotification('progress', { call, progress } satisfies ReaderNotifications['progress']);
      };
      idle.busy(1);
      try {
        const handler = session.handlers[method] as (
          params: unknown,
          context: { signal: AbortSignal; onProgress: (progress: ReaderProgress) => void },
        ) => Promise<unknown>;
        return await handler(params, { signal: abort.signal, onProgress });
      } catch (error) {
        return new ResponseError(FAILED, 'failed', toErrorData(systemError(error)));
      } finally {
        idle.busy(-1);
        cancel.dispose();
      }
    });
  }
  connection.onClose(end);
  connection.listen();
}

/** Ends the reader when nobody has asked for anything for a while: keys do not lie about for days. */
class IdleTimer {
  #timer: NodeJS.Timeout | undefined;
  #idleMs = 0;
  #running = 0;

  constructor(private readonly end: () => void) {}

  /** @param idleMs 0: never. */
  start(idleMs: number): void {
    this.#idleMs = idleMs;
    this.#restart();
  }

  busy(change: 1 | -1): void {
    this.#running += change;
    this.#restart();
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#idleMs > 0 && this.#running === 0) this.#timer = setTimeout(this.end, this.#idleMs);
  }
}

/** Errors of the disk get a code of ours. */
function systemError(error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (error instanceof AppError || typeof code !== 'string') return error;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new AppError('noPermission', code, { cause: error });
    case 'ENOENT':
      return new AppError('fileNotFound', code, { cause: error });
    default:
      return /^E[A-Z]+$/.test(code) ? new AppError('diskError', code, { cause: error }) : error;
  }
}

main();
