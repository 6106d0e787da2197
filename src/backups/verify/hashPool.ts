import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../../base/abort';
import { AppError, cancelled } from '../../base/errors';
import { HASH_CHUNK, hashContent, type HashResult, type HashTask } from './hashContent';
import type { FromHashWorker } from './hashWorker';

/** A message between threads costs as much as a small file: they travel so many, or so many bytes, at a time. */
const BATCH_FILES = 64;
const BATCH_BYTES = 8 << 20;
/** Below this a thread costs more than it brings. */
const WORTH_BYTES = 64 << 20;
const MAX_THREADS = 4;
/** Without threads: how long others wait for their turn at most, a single piece aside. */
const TURN_MS = 12;

export interface SizedHashTask extends HashTask {
  /** About: for even batches. */
  readonly size: number;
}

export interface HashPoolOptions {
  /** Of all that will be asked for. */
  readonly totalBytes: number;
  readonly signal: AbortSignal | undefined;
  /** Bytes read since the last call. */
  readonly onRead: (bytes: number) => void;
  /** The program of a thread; by default the one beside this one. */
  readonly program?: string;
}

/**
 * Reads and hashes files on threads of their own, several at a time: a disk then has more than one request to work on,
 * and hashing does not wait for it. Each thread takes a megabyte for what it reads, and some for itself. They are started
 * with the first task and end with close(). Small backups, and builds without the thread's program, do without.
 */
export class HashPool {
  readonly #options: HashPoolOptions;
  readonly #program: string;
  readonly #most: number;
  readonly #threads: HashThread[] = [];
  readonly #queue: Batch[] = [];
  readonly #onAbort = () => this.#fail(cancelled());
  #failure: Error | undefined;
  #buffer: Buffer | undefined;
  #turnSince = performance.now();

  constructor(options: HashPoolOptions) {
    this.#options = options;
    this.#program = options.program ?? path.join(__dirname, 'hash.js');
    const processors = Math.min(MAX_THREADS, os.availableParallelism());
    const useful = options.totalBytes >= WORTH_BYTES && processors > 1 && fs.existsSync(this.#program);
    this.#most = useful ? processors : 0;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Results in the order of the tasks. @throws AppError `cancelled`, `unexpected` */
  async hash(tasks: readonly SizedHashTask[]): Promise<readonly HashResult[]> {
    throwIfAborted(this.#options.signal);
    if (this.#failure) throw this.#failure;
    if (this.#most === 0) return this.#hashHere(tasks);
    const batches = batchesOf(tasks).map((batch) => this.#enqueue(batch));
    return (await Promise.all(batches)).flat();
  }

  /** What is still asked for is not answered any more. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  #enqueue(tasks: readonly HashTask[]): Promise<readonly HashResult[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ tasks, resolve, reject });
      this.#feed();
    });
  }

  #feed(): void {
    while (this.#queue.length > 0) {
      let thread = this.#threads.find(({ busy }) => !busy);
      if (!thread && this.#threads.length < this.#most) {
        thread = new HashThread(this.#program, {
          read: this.#options.onRead,
          idle: () => this.#feed(),
          failed: (error) => this.#fail(error),
        });
        this.#threads.push(thread);
      }
      const batch = thread && this.#queue.shift();
      if (!thread || !batch) return;
      thread.work(batch);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const thread of this.#threads) thread.fail(error);
  }

  async #hashHere(tasks: readonly HashTask[]): Promise<readonly HashResult[]> {
    const buffer = (this.#buffer ??= Buffer.allocUnsafe(HASH_CHUNK));
    const results: HashResult[] = [];
    for (const task of tasks) {
      const steps = hashContent(task, buffer);
      let step = steps.next();
      for (; !step.done; step = steps.next()) {
        this.#options.onRead(step.value);
        await this.#breathe();
      }
      results.push(step.value);
      await this.#breathe();
    }
    return results;
  }

  #breathe(): Promise<void> | undefined {
    if (performance.now() - this.#turnSince < TURN_MS) return undefined;
    throwIfAborted(this.#options.signal);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#turnSince = performance.now();
    });
  }
}

interface Batch {
  readonly tasks: readonly HashTask[];
  readonly resolve: (results: readonly HashResult[]) => void;
  readonly reject: (error: Error) => void;
}

interface ThreadEvents {
  readonly read: (bytes: number) => void;
  readonly idle: () => void;
  readonly failed: (error: Error) => void;
}

class HashThread {
  readonly #worker: Worker;
  #batch: Batch | undefined;
  #ended = false;

  constructor(program: string, { read, idle, failed }: ThreadEvents) {
    this.#worker = new Worker(program);
    this.#worker.on('message', (message: FromHashWorker) => {
      if (message.kind === 'read') return read(message.bytes);
      const batch = this.#batch;
      this.#batch = undefined;
      batch?.resolve(message.results);
      idle();
    });
    this.#worker.on('error', failed);
    this.#worker.on('exit', (code) => {
      if (!this.#ended) failed(new AppError('unexpected', `a thread that hashes has ended with ${code}`));
    });
  }

  get busy(): boolean {
    return this.#batch !== undefined;
  }

  work(batch: Batch): void {
    this.#batch = batch;
    this.#worker.postMessage(batch.tasks);
  }

  fail(error: Error): void {
    this.#batch?.reject(error);
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }
}

function batchesOf(tasks: readonly SizedHashTask[]): readonly (readonly HashTask[])[] {
  const batches: HashTask[][] = [];
  let [batch, bytes]: [HashTask[], number] = [[], 0];
  for (const { size, ...task } of tasks) {
    if (batch.length === 0 || batch.length >= BATCH_FILES || bytes >= BATCH_BYTES) {
      [batch, bytes] = [[], 0];
      batches.push(batch);
    }
    batch.push(task);
    bytes += size;
  }
  return batches;
}
