import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../base/abort';
import type { Disposable } from '../base/disposable';
import { AppError, cancelled, isAppError, isCancellation, toErrorData } from '../base/errors';
import type { Log } from '../base/log';
import type { ProgressUpdate } from './ports';
import type { ClientInfo, Job, JobKind, JobOutcome, JobProgress } from './protocol';
import { TransferRate } from './transferRate';

export interface JobRequest {
  readonly kind: JobKind;
  readonly owner: ClientInfo;
  readonly name: string;
  /** Nothing else works on this device meanwhile. */
  readonly udid?: string;
  /** Nothing else works on this backup meanwhile. */
  readonly path?: string;
}

export interface JobContext {
  /** Aborted by whoever cancels the job. */
  readonly signal: AbortSignal;
  readonly report: (update: ProgressUpdate) => void;
  /** The numbers so far. */
  readonly progress: () => JobProgress;
  /**
   * Keeps other jobs from a further backup until it is disposed of, or this one ends.
   * @returns undefined if a job works on it already
   */
  readonly hold: (path: string) => Disposable | undefined;
}

/** What of a result everybody may see in the list of jobs. */
export type JobFacts = Omit<Extract<JobOutcome, { kind: 'done' }>, 'kind' | 'endedAt'>;

/** Ended jobs that nobody has dismissed: more than this are not of use to anybody. */
const MAX_ENDED = 50;
/** How often the rate of a job that reports nothing is corrected towards zero. */
const RATE_MS = 1000;

/** Every job of the engine: one at a time for each device and for each backup. */
export class JobBoard implements Disposable {
  readonly #log: Log;
  readonly #changed: (jobs: readonly Job[]) => void;
  #entries: JobEntry[] = [];
  readonly #timer = setInterval(() => this.#tellRates(), RATE_MS).unref();
  #closed = false;

  constructor(log: Log, changed: (jobs: readonly Job[]) => void) {
    this.#log = log;
    this.#changed = changed;
  }

  get running(): number {
    return this.#entries.filter((entry) => !entry.job.outcome).length;
  }

  /** The running job on this device. */
  ofDevice(udid: string): Job | undefined {
    return this.#entries.find(({ job }) => !job.outcome && job.udid === udid)?.job;
  }

  /**
   * For work on several backups of a folder at once.
   * @param own The one that the caller's own job holds.
   * @throws AppError `jobRunning`, as run(), if a job works on another one in there.
   */
  refuseBeside(folder: string, own: string): void {
    const [around, except] = [pathKey(folder), pathKey(own)];
    const holder = this.#entries.find(
      ({ job, pathKey: key }) => !job.outcome && key !== undefined && key !== except && path.dirname(key) === around,
    )?.job;
    if (holder) throw jobRunning(holder);
  }

  /**
   * Runs `work` as a job that everybody sees. It starts before this returns, so that of two requests at the same moment
   * one is refused.
   * @param signal The request's own; aborting it cancels the job.
   * @throws AppError `jobRunning` with `details.owner`, `details.kind` and `details.jobId` if another one holds the
   *   device or the backup; else what `work` throws, or `cancelled`.
   */
  async run<T>(
    request: JobRequest,
    work: (context: JobContext) => Promise<T>,
    options: { readonly signal?: AbortSignal; readonly facts?: (result: T) => JobFacts } = {},
  ): Promise<T> {
    throwIfAborted(options.signal);
    if (this.#closed) throw new AppError('engineGone', 'the engine is ending');
    this.#refuseSecond(request);
    const entry = new JobEntry(
      request,
      () => this.#tell(),
      (key) => this.#holderOf(key) !== undefined,
    );
    this.#entries.push(entry);
    this.#log.info(`job ${entry.describe()} started by ${request.owner.name}`);
    this.#tell();
    const onAbort = () => entry.cancel();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const result = await work(entry);
      entry.end({ kind: 'done', endedAt: now(), ...options.facts?.(result) });
      return result;
    } catch (error) {
      const reason = entry.failure ?? error;
      entry.end(outcomeOf(reason, entry.signal.aborted && !entry.failure));
      const { outcome } = entry.job;
      throw outcome?.kind === 'cancelled' && outcome.by === 'user' ? cancelled() : reason;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      this.#logEnd(entry);
      this.#forgetOldest();
      this.#tell();
    }
  }

  /** @throws AppError `noSuchJob` if it has ended already or never was. */
  cancel(id: string): void {
    const entry = this.#entries.find(({ job }) => job.id === id);
    if (!entry || entry.job.outcome) throw new AppError('noSuchJob', `no running job ${id}`);
    entry.cancel();
  }

  /** @throws AppError `noSuchJob`; `notAllowed` while it runs. */
  dismiss(id: string): void {
    const entry = this.#entries.find(({ job }) => job.id === id);
    if (!entry) throw new AppError('noSuchJob', `no job ${id}`);
    if (!entry.job.outcome) throw new AppError('notAllowed', `job ${id} is running`);
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#tell();
  }

  /** Takes no more jobs, ends those that run, and resolves when they have. @param failure Why, if not cancelled. */
  async endAll(failure?: AppError): Promise<void> {
    this.#closed = true;
    const running = this.#entries.filter(({ job }) => !job.outcome);
    for (const entry of running) entry.cancel(failure);
    await Promise.all(running.map(({ ended }) => ended));
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  #refuseSecond({ udid, path: wanted }: JobRequest): void {
    const holder = (udid && this.ofDevice(udid)) || (wanted && this.#holderOf(pathKey(wanted)));
    if (holder) throw jobRunning(holder);
  }

  #holderOf(key: string): Job | undefined {
    return this.#entries.find((entry) => !entry.job.outcome && (entry.pathKey === key || entry.held.has(key)))?.job;
  }

  #logEnd(entry: JobEntry): void {
    const { outcome, progress } = entry.job;
    // Where it stood, and for how long: a device that stalls tells no more than that.
    const seconds = Math.round((Date.now() - Date.parse(progress.stageSince)) / 1000);
    const end =
      outcome?.kind === 'failed'
        ? `failed in the stage ${progress.stage}, ${seconds} s after its begin: ${outcome.error.code}: ${outcome.error.message}`
        : outcome?.kind;
    const numbers = `${progress.files} files, ${progress.bytes} bytes, ${progress.warnings} warnings`;
    this.#log.info(`job ${entry.describe()} ${end} (${numbers})`);
  }

  #forgetOldest(): void {
    const ended = this.#entries.filter(({ job }) => job.outcome);
    const tooMany = new Set(ended.slice(0, Math.max(0, ended.length - MAX_ENDED)));
    this.#entries = this.#entries.filter((entry) => !tooMany.has(entry));
  }

  #tellRates(): void {
    if (this.running > 0) this.#tell();
  }

  #tell(): void {
    this.#changed(this.#entries.map((entry) => entry.job));
  }
}

class JobEntry implements JobContext {
  readonly pathKey: string | undefined;
  /** Further backups that it works on. */
  readonly held = new Set<string>();
  /** Set if the job was ended for a reason of the engine's own. */
  failure: AppError | undefined;
  readonly ended: Promise<void>;
  readonly #told: () => void;
  readonly #abort = new AbortController();
  readonly #rate = new TransferRate();
  readonly #start: Omit<Job, 'progress' | 'outcome'>;
  #progress: Omit<JobProgress, 'bytesPerSecond'>;
  #outcome: JobOutcome | undefined;
  #resolveEnded: () => void = () => {};
  readonly #isHeld: (key: string) => boolean;

  constructor(request: JobRequest, told: () => void, isHeld: (key: string) => boolean) {
    this.#isHeld = isHeld;
    const startedAt = now();
    this.#told = told;
    this.#start = { ...request, id: crypto.randomUUID(), startedAt };
    this.#progress = { stage: 'starting', stageSince: startedAt, bytes: 0, files: 0, warnings: 0 };
    this.pathKey = request.path && pathKey(request.path);
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#rate.add(0, performance.now());
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get job(): Job {
    return { ...this.#start, progress: this.progress(), ...(this.#outcome && { outcome: this.#outcome }) };
  }

  progress = (): JobProgress => {
    const bytesPerSecond = this.#outcome ? 0 : this.#rate.bytesPerSecond(performance.now());
    return { ...this.#progress, bytesPerSecond };
  };

  report = (update: ProgressUpdate): void => {
    if (this.#outcome) return;
    const last = this.#progress;
    // Once cancelled it stays so, whatever the device still says.
    const stage = this.signal.aborted ? 'cancelling' : (update.stage ?? last.stage);
    const fraction = Math.max(last.fraction ?? 0, Math.min(1, update.fraction ?? 0));
    this.#progress = {
      stage,
      stageSince: stage === last.stage ? last.stageSince : now(),
      ...((last.fraction !== undefined || update.fraction !== undefined) && { fraction }),
      bytes: update.bytes ?? last.bytes,
      files: update.files ?? last.files,
      warnings: update.warnings ?? last.warnings,
    };
    if (update.bytes !== undefined) this.#rate.add(update.bytes, performance.now());
    this.#told();
  };

  hold = (path: string): Disposable | undefined => {
    const key = pathKey(path);
    if (this.#isHeld(key)) return undefined;
    this.held.add(key);
    return { dispose: () => this.held.delete(key) };
  };

  cancel(failure?: AppError): void {
    if (this.#outcome || this.signal.aborted) return;
    this.failure = failure;
    this.#abort.abort();
    this.report({});
  }

  end(outcome: JobOutcome): void {
    this.#outcome = outcome;
    this.#resolveEnded();
  }

  describe(): string {
    const { kind, id, udid, path: folder } = this.#start;
    return [kind, id.slice(0, 8), udid, folder].filter(Boolean).join(' ');
  }
}

function jobRunning({ owner, kind, id, name }: Job): AppError {
  return new AppError('jobRunning', `${kind} of ${name} runs, started by ${owner.name} (process ${owner.pid})`, {
    details: { owner: owner.name, ownerPid: owner.pid, kind, jobId: id, name },
  });
}

function outcomeOf(error: unknown, wasCancelled: boolean): JobOutcome {
  const endedAt = now();
  if (isAppError(error, 'cancelledOnDevice')) return { kind: 'cancelled', endedAt, by: 'device' };
  if (wasCancelled || isCancellation(error)) return { kind: 'cancelled', endedAt, by: 'user' };
  return { kind: 'failed', endedAt, error: toErrorData(error) };
}

function now(): string {
  return new Date().toISOString();
}

/** The same for every spelling of the same folder, which need not exist yet. */
function pathKey(folder: string): string {
  const resolved = path.resolve(folder);
  try {
    return fs.realpathSync.native(resolved);
  } catch {
    const parent = path.dirname(resolved);
    return parent === resolved ? resolved : path.join(pathKey(parent), path.basename(resolved));
  }
}
