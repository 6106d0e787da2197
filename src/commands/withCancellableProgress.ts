import { withAbort } from '../app/withAbort';
import { isCancellation } from '../base/errors';

/** Shows a notification with a Cancel button while `work` runs. @returns undefined if it was cancelled. */
export async function withCancellableProgress<T>(
  title: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  return withAbort({ title, cancellable: true }, async (signal) => {
    try {
      return await work(signal);
    } catch (error) {
      if (signal.aborted && isCancellation(error)) return undefined;
      throw error;
    }
  });
}
