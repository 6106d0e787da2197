import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, cancelled, type ErrorData, fromErrorData } from '../../base/errors';
import type { WriterPlaces } from './contentWriter';
import type { WriteBatch, Writer, WriteResults } from './writer';

/** What a thread gets when it starts. No key is in it. */
export interface WriterSetup {
  readonly places: WriterPlaces;
  /** One number: 1 ends the work after the part that is being written. */
  readonly stop: Int32Array;
  /** Bytes written so far, by all threads. */
  readonly bytes: BigInt64Array;
}

export interface FromWriter extends WriteResults {
  /** Trouble that every further file would have as well. */
  readonly fatal?: ErrorData;
}

/** More than this the disk does not take; each costs memory. */
const MAX_THREADS = 4;
/** One to work on, one that waits: a thread is never idle. */
const MAX_QUEUED = 2;
/** A thread that does not stop in this time hangs in the disk. */
const PATIENCE_MS = 2000;

/** The threads' program beside this one; undefined where it is not, as in tests from source. */
export function writerProgram(): string | undefined {
  const program = path.join(__dirname, 'extract.js');
  return fs.existsSync(program) ? program : undefined;
}

interface Thread {
  readonly worker: Worker;
  queued: number;
}

/** Some threads that write contents side by side. Keys travel to them in memory, and are overwritten there. */
export class WriterPool implements Writer {
  readonly #threads: Thread[] = [];
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #bytes = new BigInt64Array(new SharedArrayBuffer(8));
  readonly #places: WriterPlaces;
  readonly #program: string;
  readonly #onResults: (results: WriteResults) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#end(cancelled());
  /** The process can be told to end in the middle. */
  readonly #onExit = () => this.#removePartials();
  #failure: Error | undefined;
  #wake = () => {};

  constructor(
    places: WriterPlaces,
    program: string,
    onResults: (results: WriteResults) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#places = places;
    this.#program = program;
    this.#onResults = onResults;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    process.once('exit', this.#onExit);
  }

  get bytes(): number {
    return Number(Atomics.load(this.#bytes, 0));
  }

  /** Resolves when the batch is on its way. */
  async write(batch: WriteBatch): Promise<void> {
    const thread = await this.#freeThread();
    thread.queued++;
    thread.worker.postMessage(batch, [batch.secrets.buffer]);
  }

  async finish(): Promise<void> {
    await this.#until(() => this.#threads.every(({ queued }) => queued === 0));
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    Atomics.store(this.#stop, 0, 1);
    // Each removes its half file when it stops.
    const patience = setTimeout(() => this.#wake(), PATIENCE_MS);
    const until = Date.now() + PATIENCE_MS;
    while (this.#threads.some(({ queued }) => queued > 0) && Date.now() < until) await this.#next();
    clearTimeout(patience);
    const ending = this.#threads.map(({ worker }) => worker.terminate());
    await Promise.race([Promise.all(ending), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())]);
    process.off('exit', this.#onExit);
    this.#removePartials();
  }

  async #freeThread(): Promise<Thread> {
    const most = Math.max(1, Math.min(MAX_THREADS, os.availableParallelism()));
    let found: Thread | undefined;
    await this.#until(() => {
      const [least] = [...this.#threads].sort((one, other) => one.queued - other.queued);
      if ((!least || least.queued > 0) && this.#threads.length < most) found = this.#start();
      else if (least && least.queued < MAX_QUEUED) found = least;
      return found !== undefined;
    });
    return found ?? this.#start();
  }

  #start(): Thread {
    const setup: WriterSetup = {
      places: { ...this.#places, partial: partialOf(this.#places, this.#threads.length) },
      stop: this.#stop,
      bytes: this.#bytes,
    };
    const worker = new Worker(this.#program, { workerData: setup });
    const thread: Thread = { worker, queued: 0 };
    worker.on('message', ({ fatal, ...results }: FromWriter) => {
      thread.queued--;
      this.#onResults(results);
      if (fatal) this.#end(fromErrorData(fatal));
      this.#wake();
    });
    const lost = (error: unknown) => {
      thread.queued = 0;
      this.#end(
        error instanceof Error ? error : new AppError('unexpected', `a writing thread ended (${String(error)})`),
      );
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    this.#threads.push(thread);
    return thread;
  }

  #end(failure: Error): void {
    this.#failure ??= failure;
    Atomics.store(this.#stop, 0, 1);
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (condition()) return;
      await this.#next();
    }
  }

  /** Resolves when something happened. One waits at a time. */
  #next(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #removePartials(): void {
    for (const index of this.#threads.keys()) fs.rmSync(partialOf(this.#places, index), { force: true });
  }
}

function partialOf({ partial }: WriterPlaces, index: number): string {
  return `${partial}${index}`;
}
