import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { Job } from '../engine/protocol';
import { formatPercent } from '../texts/format';
import { jobDetails, jobTitle } from '../texts/jobs';
import { stageText } from '../texts/stages';

/** One item while something runs; hidden otherwise. */
export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;
  readonly #subscription: vscode.Disposable;
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
    this.#item = vscode.window.createStatusBarItem('iosBackup.job', vscode.StatusBarAlignment.Left, 50);
    this.#item.name = t('iOS Backup');
    this.#item.command = 'iosBackup.showJob';
    this.#subscription = app.engine.onChange(() => this.#draw());
    this.#draw();
  }

  dispose(): void {
    vscode.Disposable.from(this.#subscription, this.#item).dispose();
  }

  #draw(): void {
    const running = (this.#app.engine.state?.jobs ?? []).filter(({ outcome, kind }) => !outcome && kind !== 'pair');
    // What waits for the person comes first.
    const job = running.find(({ progress: { stage } }) => stage === 'waitingForPasscode') ?? running[0];
    if (!job) return this.#item.hide();
    const more = running.length > 1 ? ` (+${running.length - 1})` : '';
    const waiting = job.progress.stage === 'waitingForPasscode';
    this.#item.text = `${waiting ? '$(device-mobile)' : '$(sync~spin)'} ${shortText(job)}${more}`;
    this.#item.tooltip = running.map((one) => `${jobTitle(one)}\n${jobDetails(one)}`).join('\n\n');
    this.#item.accessibilityInformation = {
      label: `${jobTitle(job)}, ${stageText(job.progress.stage)}`,
      role: 'button',
    };
    this.#item.backgroundColor = waiting ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.show();
  }
}

function shortText({ name, progress: { stage, fraction } }: Job): string {
  if (stage === 'waitingForPasscode') return t('Enter the passcode on {0}', name);
  return [`${name}:`, fraction === undefined ? '' : formatPercent(fraction), stageText(stage)]
    .filter(Boolean)
    .join(' ');
}
