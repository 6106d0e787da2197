import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { throwIfAborted } from '../../base/abort';
import { cancelled, isCancellation, toErrorData } from '../../base/errors';
import type { ExtractWhat } from '../../reader/protocol';
import { settings } from '../../app/settings';
import { extractReportText } from '../../texts/extractReport';
import { formatBytes, formatDateTime, formatNumber } from '../../texts/format';
import { problem } from '../../texts/problems';
import { requireUnlocked } from '../backupFileSystem/unlockBackup';
import { type ExtractTask, readExtractTask } from './extractTask';
import { findTaskBackup } from './findTaskBackup';
import { TaskProblem } from './taskProblem';
import { taskTarget } from './taskTarget';

/** What programs end with after Ctrl+C. */
const INTERRUPTED = 130;
const FAILED = 1;

export interface TaskRun {
  /** As `tasks.json` has it, variables filled in. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** The task's workspace folder, if it is on this computer. */
  readonly root: string | undefined;
  /** Folders outside that the person has agreed to. */
  readonly confirmed: vscode.Memento;
}

/** The terminal of one running task: takes files out of a backup, says how far it is, and stops when it is closed. */
export class ExtractTerminal implements vscode.Pseudoterminal {
  readonly #written = new vscode.EventEmitter<string>();
  readonly #closed = new vscode.EventEmitter<number>();
  readonly #abort = new AbortController();
  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#closed.event;

  constructor(
    private readonly app: App,
    private readonly run: TaskRun,
  ) {}

  open(): void {
    void this.#end();
  }

  close(): void {
    this.#abort.abort();
  }

  handleInput(data: string): void {
    if (data === '\u0003') this.#abort.abort();
  }

  async #end(): Promise<void> {
    let code = FAILED;
    try {
      code = await this.#extract();
    } catch (error) {
      const { code: errorCode, details, message } = toErrorData(error);
      if (isCancellation(error) || this.#abort.signal.aborted) {
        this.#line(t('Cancelled.'));
        code = INTERRUPTED;
      } else if (error instanceof TaskProblem) this.#line(error.message);
      else {
        this.app.log.error(`task: ${errorCode}: ${message}`);
        const { text, next } = problem(errorCode, details);
        this.#line(`${text} ${next}`);
      }
    }
    this.#closed.fire(code);
  }

  /** @returns the exit code */
  async #extract(): Promise<number> {
    const { signal } = this.#abort;
    const { app, run } = this;
    // VS Code asks before it runs tasks; this holds whoever started it.
    if (!vscode.workspace.isTrusted) throw new TaskProblem(t('This task runs only in a workspace that you trust.'));
    const task = readExtractTask(run.definition);
    // The whole list, also when this window has only just started.
    const { backups } = await app.engine.call('watchFolders', { folders: settings().listedFolders }, signal);
    const backup = findTaskBackup(backups, task);
    const target = await taskTarget(task.to, run.root, run.confirmed);
    if (target === undefined) throw cancelled();
    const id = await app.openBackups.register(backup);
    const date = backup.date === undefined ? '' : formatDateTime(backup.date);
    this.#line([backup.label ?? backup.deviceName ?? '', date, backup.path].filter(Boolean).join(', '));
    throwIfAborted(signal);
    await requireUnlocked(app, id);
    const what = await this.#what(id, task.what);
    const report = await app.openBackups.call(
      id,
      'extract',
      { target, what },
      {
        signal,
        onProgress: ({ files, bytes }) =>
          this.#written.fire(`\r\u001b[K${t('{0} files, {1}', formatNumber(files), formatBytes(bytes))}`),
      },
    );
    this.#written.fire('\r\u001b[K');
    for (const { domain, relativePath, code, message } of report.failed) {
      app.log.warn(`not extracted: ${domain}/${relativePath}: ${code} ${message}`);
      this.#line(t('Not extracted: {0}', `${domain}/${relativePath}`));
    }
    for (const { from, to } of report.renamed) this.#line(t('{0} is now {1}', from, to));
    this.#line(extractReportText(report));
    this.#line(target);
    return report.failed.length > 0 ? FAILED : 0;
  }

  async #what(id: string, what: ExtractTask['what']): Promise<ExtractWhat> {
    const { signal } = this.#abort;
    const domains = await this.app.openBackups.call(id, 'domains', {}, { signal });
    if ('app' in what) {
      if (!domains.some(({ domain }) => domain === `AppDomain-${what.app}`))
        throw new TaskProblem(t('The backup holds nothing of the app {0}.', what.app));
      return { kind: 'container', bundleID: what.app };
    }
    // `HomeDomain/Library` and `Home/Library` are the same.
    const [first = '', ...rest] = what.path.split('/');
    const shown = domains.find(({ domain }) => domain === first)?.path ?? first;
    return { kind: 'paths', paths: [[shown, ...rest].join('/')] };
  }

  /** Names come from a device: whatever would steer the terminal is taken out. */
  #line(text: string): void {
    this.#written.fire(`${text.replace(/\p{Cc}/gu, '\ufffd')}\r\n`);
  }
}
