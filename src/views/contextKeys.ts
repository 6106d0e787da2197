import * as vscode from 'vscode';
import type { App } from '../app';

/** Why a view is empty, for the welcome texts in package.json. A value is sent only when it changes. */
export class ContextKeys implements vscode.Disposable {
  readonly #app: App;
  readonly #subscription: vscode.Disposable;
  readonly #sent = new Map<string, string>();

  constructor(app: App) {
    this.#app = app;
    this.#subscription = app.engine.onChange(() => this.#update());
    this.#set('iosBackup:platform', process.platform);
    this.#update();
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  #update(): void {
    const { engine } = this.#app;
    this.#set('iosBackup:mux', engine.state?.mux.kind ?? (engine.session === 'lost' ? 'engineLost' : 'connecting'));
    this.#set('iosBackup:backups', backupsReason(this.#app));
  }

  #set(key: string, value: string): void {
    if (this.#sent.get(key) === value) return;
    this.#sent.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}

function backupsReason({ engine }: App): string {
  const catalogue = engine.state?.catalogue;
  if (!catalogue) return 'connecting';
  if (catalogue.backups.length > 0) return 'some';
  if (catalogue.folders.some(({ state }) => state === 'offline')) return 'offline';
  if (catalogue.folders.some(({ state }) => state === 'noPermission')) return 'noPermission';
  return 'none';
}
