import { cancelled, isAppError, isCancellation, type AppError } from '../../base/errors';

/** Everything that can end a job from outside, as one signal. The first reason is the one that is told. */
export class JobStop implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #reason: AppError | undefined;
  readonly #onOuterAbort = () => this.stop(cancelled());

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#onOuterAbort();
    else outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Undefined as long as the job may go on. */
  get reason(): AppError | undefined {
    return this.#reason;
  }

  stop(reason: AppError): void {
    this.#reason ??= reason;
    this.#controller.abort();
  }

  /** What to tell for an error that this stop has caused. */
  explain(error: unknown): unknown {
    return this.#reason && (isCancellation(error) || isAppError(error, 'deviceGone')) ? this.#reason : error;
  }

  [Symbol.dispose](): void {
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }
}
