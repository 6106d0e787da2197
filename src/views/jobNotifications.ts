import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { fromErrorData } from '../base/errors';
import type { Job } from '../engine/protocol';
import { formatBytes, formatDateTime } from '../texts/format';
import { notReadText } from '../texts/notRead';
import { restoreEndText } from '../texts/restoreEnd';
import { showProblem } from './showProblem';

/** Tells the end of each job, once per window, and asks for the passcode while the device waits for it. */
export class JobNotifications implements vscode.Disposable {
  readonly #app: App;
  readonly #subscription: vscode.Disposable;
  /** Jobs whose end this window has told, or that had ended before it looked. */
  readonly #told = new Set<string>();
  readonly #passcodeBanners = new Map<string, () => void>();
  #first = true;

  constructor(app: App) {
    this.#app = app;
    this.#subscription = app.engine.onChange(() => this.#follow());
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const close of this.#passcodeBanners.values()) close();
  }

  #follow(): void {
    const jobs = this.#app.engine.state?.jobs;
    if (!jobs) return;
    for (const job of jobs) {
      this.#followPasscode(job);
      if (!job.outcome || this.#told.has(job.id)) continue;
      this.#told.add(job.id);
      if (!this.#first) void this.#tellEnd(job);
    }
    for (const id of this.#passcodeBanners.keys()) {
      if (!jobs.some((job) => job.id === id)) this.#closeBanner(id);
    }
    this.#first = false;
  }

  /** A notification that goes away by itself when the passcode was entered; its button cancels the job. */
  #followPasscode(job: Job): void {
    const waiting = !job.outcome && job.progress.stage === 'waitingForPasscode';
    if (!waiting) return this.#closeBanner(job.id);
    if (this.#passcodeBanners.has(job.id)) return;
    const title = t('Enter the passcode on {0}', job.name);
    void vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      (_progress, token) =>
        new Promise<void>((resolve) => {
          this.#passcodeBanners.set(job.id, resolve);
          token.onCancellationRequested(() => {
            this.#app.engine
              .call('cancelJob', { jobId: job.id })
              .catch((error: unknown) => this.#app.log.warn(String(error)));
          });
        }),
    );
  }

  #closeBanner(id: string): void {
    this.#passcodeBanners.get(id)?.();
    this.#passcodeBanners.delete(id);
  }

  async #tellEnd(job: Job): Promise<void> {
    const { kind, name, outcome } = job;
    if (!outcome || kind === 'pair') return;
    // Whoever has started the check is asked for the password again; nobody else has lost anything.
    if (kind === 'verify' && outcome.kind === 'failed' && outcome.error.code === 'wrongPassword') return;
    if (outcome.kind === 'failed') return showProblem(this.#app, fromErrorData(outcome.error), job);
    if (outcome.kind === 'cancelled') {
      if (kind === 'backup')
        void vscode.window.showInformationMessage(
          t('The backup of {0} was cancelled. The last backup is unchanged.', name),
        );
      if (kind === 'restore') {
        const text = t(
          'The restore of {0} was stopped. Look at the device: if it is not as it was, restore it once more. The backup is unchanged.',
          name,
        );
        return this.#tellRestore(job, vscode.window.showWarningMessage, text);
      }
      return;
    }
    if (outcome.restore)
      return this.#tellRestore(job, vscode.window.showInformationMessage, restoreEndText(name, outcome.restore));
    if (kind !== 'backup' || !outcome.backup) return;
    const { backup } = outcome;
    const date = formatDateTime(backup.date ?? outcome.endedAt);
    const done = backup.size
      ? t('{0} is backed up: {1}, {2}.', name, date, formatBytes(backup.size.bytes))
      : t('{0} is backed up: {1}.', name, date);
    const text = backup.notRead ? `${done} ${notReadText(backup.notRead.count)}` : done;
    const show = t('Show Backup');
    if ((await vscode.window.showInformationMessage(text, show)) === show) {
      await vscode.commands.executeCommand('iosBackup.showBackupInFileManager', { kind: 'backup', backup });
    }
  }

  /** With a button: a notification without one shows only the beginning of its text. */
  async #tellRestore(
    { udid }: Job,
    show: (text: string, button: string) => Thenable<string | undefined>,
    text: string,
  ): Promise<void> {
    if ((await show(text, t('Open Device Page'))) !== undefined && udid !== undefined) this.#app.pages.open(udid);
  }
}
