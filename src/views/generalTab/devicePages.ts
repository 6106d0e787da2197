import * as vscode from 'vscode';
import type { EngineSession } from '../../engineSession';

/** The devices' pages: one editor tab per device. */
export class DevicePages implements vscode.Disposable {
  readonly #panels = new Map<string, vscode.WebviewPanel>();
  readonly #engine: EngineSession;

  constructor(engine: EngineSession) {
    this.#engine = engine;
  }

  open(udid: string): void {
    const there = this.#panels.get(udid);
    if (there) return there.reveal();
    const name = this.#engine.state?.devices.find((device) => device.udid === udid)?.identity?.name ?? udid;
    const panel = vscode.window.createWebviewPanel('iosBackup.generalTab', name, vscode.ViewColumn.Active);
    this.#panels.set(udid, panel);
    panel.onDidDispose(() => this.#panels.delete(udid));
  }

  dispose(): void {
    for (const panel of this.#panels.values()) panel.dispose();
  }
}
