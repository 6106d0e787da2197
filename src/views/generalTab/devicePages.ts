import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { DevicePage } from './devicePage';

const VIEW_TYPE = 'iosBackup.generalTab';

/** The devices' pages: one editor tab per device, brought back when the window is reloaded. */
export class DevicePages implements vscode.Disposable, vscode.WebviewPanelSerializer {
  readonly #pages = new Map<string, DevicePage>();
  readonly #serializer: vscode.Disposable;
  #app: App | undefined;

  constructor() {
    this.#serializer = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this);
  }

  /** Pages and the rest of the app need each other; this closes the circle once, at activation. */
  attach(app: App): void {
    this.#app = app;
  }

  open(udid: string): void {
    const there = this.#pages.get(udid);
    if (there) return there.reveal();
    this.#show(udid, vscode.window.createWebviewPanel(VIEW_TYPE, t('Device'), vscode.ViewColumn.Active));
  }

  /** Shows the dialog for a lost password on the device's page. */
  async helpWithPassword(udid: string): Promise<void> {
    this.open(udid);
    await this.#pages.get(udid)?.helpWithPassword();
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const udid = typeof state === 'object' && state !== null && 'udid' in state ? state.udid : undefined;
    if (typeof udid === 'string') this.#show(udid, panel);
    else panel.dispose();
    return Promise.resolve();
  }

  dispose(): void {
    this.#serializer.dispose();
    for (const page of this.#pages.values()) page.dispose();
  }

  #show(udid: string, panel: vscode.WebviewPanel): void {
    if (!this.#app) {
      panel.dispose();
      return;
    }
    this.#pages.get(udid)?.dispose();
    const page = new DevicePage(this.#app, udid, panel);
    this.#pages.set(udid, page);
    panel.onDidDispose(() => {
      if (this.#pages.get(udid) === page) this.#pages.delete(udid);
      page.dispose();
    });
  }
}
