import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { ErrorCode } from '../base/errors';
import { linuxFamily } from './linuxFamily';

/** What the texts of empty views and the steps of the walkthrough in package.json ask for. */
export type ContextKey =
  /** What stands between this computer and devices. */
  | 'iosBackup:mux'
  /** Why no backups are listed. */
  | 'iosBackup:backups'
  /** `darwin`, `win32`, or a family of Linux distributions: `debian`, `fedora`, `arch`, `suse`, `linux`. */
  | 'iosBackup:system'
  /** Steps that a person has taken. */
  | 'iosBackup:deviceSeen'
  | 'iosBackup:trusted'
  | 'iosBackup:backedUp'
  | 'iosBackup:encrypted'
  | 'iosBackup:checked';

/** Keeps VS Code's context keys true. A value is sent only when it changes. */
export class ContextKeys implements vscode.Disposable {
  readonly #app: App;
  readonly #subscription: vscode.Disposable;
  readonly #sent = new Map<ContextKey, string | boolean>();

  constructor(app: App) {
    this.#app = app;
    this.#subscription = app.engine.onChange(() => this.#update());
    this.#update();
    void this.#setSystem();
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  async #setSystem(): Promise<void> {
    const { platform } = process;
    this.#set('iosBackup:system', platform === 'linux' ? await linuxFamily() : platform);
  }

  #update(): void {
    const { engine } = this.#app;
    const { state } = engine;
    this.#set('iosBackup:mux', state?.mux.kind ?? engineReason(engine.problem));
    this.#set('iosBackup:backups', backupsReason(this.#app));
    if (!state) return;
    const { devices, catalogue, jobs } = state;
    const finished = catalogue.backups.filter((backup) => backup.state === 'finished');
    this.#set('iosBackup:deviceSeen', devices.length > 0);
    this.#set(
      'iosBackup:trusted',
      devices.some(({ trust }) => trust.kind === 'trusted'),
    );
    this.#set('iosBackup:backedUp', finished.length > 0);
    this.#set(
      'iosBackup:encrypted',
      finished.some(({ encrypted }) => encrypted),
    );
    this.#set(
      'iosBackup:checked',
      jobs.some(({ kind, outcome }) => kind === 'verify' && outcome?.kind === 'done'),
    );
  }

  #set(key: ContextKey, value: string | boolean): void {
    if (this.#sent.get(key) === value) return;
    this.#sent.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}

function engineReason(problem: ErrorCode | undefined): string {
  if (!problem) return 'connecting';
  return problem === 'engineVersion' ? 'engineBusy' : 'engineLost';
}

function backupsReason({ engine }: App): string {
  const catalogue = engine.state?.catalogue;
  if (!catalogue) return 'connecting';
  if (catalogue.backups.length > 0) return 'some';
  if (catalogue.folders.some(({ state }) => state === 'offline')) return 'offline';
  if (catalogue.folders.some(({ state }) => state === 'noPermission')) return 'noPermission';
  return 'none';
}
