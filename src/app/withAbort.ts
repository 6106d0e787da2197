import * as vscode from 'vscode';

type Report = (message: string) => void;

/** Runs something with a notification that shows it and, if wanted, a Cancel button that aborts the signal. */
export function withAbort<T>(
  options: { readonly title: string; readonly cancellable: boolean },
  work: (signal: AbortSignal, report: Report) => Promise<T>,
): Thenable<T> {
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ ...options, location }, async (progress, token) => {
    const abort = new AbortController();
    const subscription = token.onCancellationRequested(() => abort.abort());
    try {
      return await work(abort.signal, (message) => progress.report({ message }));
    } finally {
      subscription.dispose();
    }
  });
}
