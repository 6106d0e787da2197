import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { Job } from '../engine/protocol';
import type { App } from './app';

/** Cancels a job; a restore only after the person knows what that means. */
export async function cancelJob(app: App, { id, kind, name, progress }: Job): Promise<void> {
  if (
    kind === 'restore' &&
    progress.stage !== 'cancelling' &&
    !(await confirm(name, progress.stage === 'restarting'))
  ) {
    return;
  }
  // It may have ended while the question was open.
  const job = app.engine.state?.jobs.find((one) => one.id === id);
  if (job && !job.outcome) await app.engine.call('cancelJob', { jobId: id });
}

async function confirm(name: string, restarting: boolean): Promise<boolean> {
  const stop = { title: restarting ? t('Stop Watching') : t('Stop the Restore') };
  // Instead of a second "Cancel", of which nobody knows what it cancels.
  const goOn = { title: restarting ? t('Go On Watching') : t('Go On Restoring'), isCloseAffordance: true };
  const answer = await vscode.window.showWarningMessage(
    restarting ? t('Stop watching {0}?', name) : t('Stop the restore of {0}?', name),
    {
      modal: true,
      detail: restarting
        ? t('It has the whole backup already and goes on by itself. That cannot be undone.')
        : t(
            'What was sent so far is of no use. The device may stay as it was, or half restored: then restore it once more before you use it. The backup itself stays as it is.',
          ),
    },
    stop,
    goOn,
  );
  return answer === stop;
}
