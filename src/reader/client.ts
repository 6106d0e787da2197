import { type ChildProcess, fork } from 'node:child_process';
import {
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { throwIfAborted } from '../base/abort';
import { AppError, type ErrorData, fromErrorData } from '../base/errors';
import type { Envelope, ReaderCalls, ReaderMethod, ReaderNotifications, ReaderProgress } from './protocol';

export interface ReaderOptions {
  /** `dist/reader.js`. */
  readonly readerPath: string;
  /** What it says on its standard error: only ever about crashes. */
  readonly onOutput: (text: string) => void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReaderProgress) => void;
}

/** Time for a reader to overwrite its keys before it is ended from outside. */
const END_MS = 1000;

/** One reader process, from its start to its end. It ends with this process, when it is idle, or with end(). */
export class ReaderProcess {
  readonly #child: ChildProcess;
  readonly #connection: MessageConnection;
  readonly #progress = new Map<number, (progress: ReaderProgress) => void>();
  /** Resolves when the process has ended, whatever the reason. */
  readonly ended: Promise<void>;
  #nextCall = 1;
  #isEnded = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    this.#connection.onNotification('progress', ({ call, progress }: ReaderNotifications['progress']) => {
      this.#progress.get(call)?.(progress);
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isEnded = true;
        // Rejects what still waits for an answer.
        this.#connection.dispose();
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
    this.#connection.onError(() => child.kill());
    this.#connection.listen();
  }

  static start({ readerPath, onOutput }: ReaderOptions): ReaderProcess {
    const child = fork(readerPath, [], {
      // No debugger or loader of the editor's own processes.
      execArgv: [],
      env: readerEnvironment(process.env),
      // Bytes travel as bytes.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.setEncoding('utf8').on('data', onOutput);
    return new ReaderProcess(child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Aborting asks the reader to stop; it settles when the reader has. @throws AppError with the reader's code */
  async call<M extends ReaderMethod>(
    method: M,
    params: ReaderCalls[M]['params'],
    { signal, onProgress }: CallOptions = {},
  ): Promise<ReaderCalls[M]['result']> {
    throwIfAborted(signal);
    if (this.#isEnded) throw gone(method);
    const call = this.#nextCall++;
    const source = new CancellationTokenSource();
    const onAbort = () => source.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (onProgress) this.#progress.set(call, onProgress);
    try {
      const envelope: Envelope<M> = { call, params };
      return await this.#connection.sendRequest<ReaderCalls[M]['result']>(method, envelope, source.token);
    } catch (error) {
      if (error instanceof ResponseError && isErrorData(error.data)) throw fromErrorData(error.data);
      throw gone(method, error);
    } finally {
      this.#progress.delete(call);
      signal?.removeEventListener('abort', onAbort);
      source.dispose();
    }
  }

  /** Locks the backup: the process forgets the keys and ends. */
  end(): void {
    if (this.#isEnded) return;
    if (this.#child.connected) this.#child.disconnect();
    // One that computes does not notice; it is ended with all it knows.
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    this.#child.once('exit', () => clearTimeout(timer));
  }
}

function gone(method: ReaderMethod, cause?: unknown): AppError {
  return new AppError('passwordNeeded', `the reader ended before it answered ${method}`, { cause });
}

function isErrorData(value: unknown): value is ErrorData {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'details' in value;
}

/** Without what belongs to the editor's own processes: NODE_OPTIONS would attach a debugger, VSCODE_* change behaviour. */
function readerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_CHANNEL_FD$)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1' };
}
