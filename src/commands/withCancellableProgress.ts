import * as vscode from 'vscode';
import { isCancellation } from '../base/errors';

/** Shows a notification with a Cancel button while `work` runs. @returns undefined if it was cancelled. */
export async function withCancellableProgress<T>(
  title: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (_progress, token) => {
    const abort = new AbortController();
    const subscription = token.onCancellationRequested(() => abort.abort());
    try {
      return await work(abort.signal);
    } catch (error) {
      if (abort.signal.aborted && isCancellation(error)) return undefined;
      throw error;
    } finally {
      subscription.dispose();
    }
  });
}
