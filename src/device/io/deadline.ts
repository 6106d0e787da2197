import { cancelled, type AppError } from '../../base/errors';

export interface Deadline {
  /** Without it, the wait has no limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What to fail with when the time is over. */
  expired(): AppError;
  /** Ends the work itself when nobody waits for it any more: closes its connection. */
  giveUp(): void;
}

/**
 * The work's outcome, or `deadline.expired()` after the time, or `cancelled` as soon as the signal aborts. In the last
 * two cases `giveUp()` has been called, and what the work still brings is ignored.
 */
export function withDeadline<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
  const { timeoutMs, signal } = deadline;
  return new Promise<T>((resolve, reject) => {
    const stop = (error: AppError) => {
      settle();
      reject(error);
      deadline.giveUp();
    };
    const onAbort = () => stop(cancelled());
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop(deadline.expired()), timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    work.then(resolve, reject).finally(settle);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
