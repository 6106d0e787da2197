import * as vscode from 'vscode';
import type { App } from '../app/app';
import { isCancellation } from '../base/errors';
import type { Job } from '../engine/protocol';
import { jobDetails } from '../texts/jobs';

/**
 * Shows how a job of the engine on one backup comes along, with a Cancel button, while `work` waits for its end.
 * @returns undefined if it was cancelled
 */
export async function withJobProgress<T>(
  app: App,
  title: string,
  job: Pick<Job, 'kind'> & { readonly path: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const abort = new AbortController();
    let percent = 0;
    const follow = () => {
      const running = app.engine.state?.jobs.find(
        ({ kind, path, outcome }) => kind === job.kind && path === job.path && !outcome,
      );
      if (!running) return;
      const now = Math.floor((running.progress.fraction ?? 0) * 100);
      progress.report({ message: jobDetails(running), increment: Math.max(0, now - percent) });
      percent = Math.max(percent, now);
    };
    const subscriptions = [token.onCancellationRequested(() => abort.abort()), app.engine.onChange(follow)];
    try {
      return await work(abort.signal);
    } catch (error) {
      if (abort.signal.aborted && isCancellation(error)) return undefined;
      throw error;
    } finally {
      vscode.Disposable.from(...subscriptions).dispose();
    }
  });
}
