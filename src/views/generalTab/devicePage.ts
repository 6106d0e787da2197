import * as vscode from 'vscode';
import type { App } from '../../app';
import { isCancellation, toErrorData } from '../../base/errors';
import type { EngineCalls, HistoryEntry } from '../../engine/protocol';
import { settings } from '../../settings';
import { showProblem } from '../showProblem';
import { pageHtml } from './html';
import { act } from './intents';
import { pageState } from './pageState';
import type { ToPage } from './protocol';
import { readMessage } from './readMessage';

/** Times on the page (time gone, countdowns) move on by themselves. */
const TICK_MS = 1000;

/** One device's page: draws what pageState() says, whenever anything changes and the page can be seen. */
export class DevicePage implements vscode.Disposable {
  readonly #app: App;
  readonly #udid: string;
  readonly #panel: vscode.WebviewPanel;
  readonly #subscriptions: vscode.Disposable[] = [];
  readonly #timer: NodeJS.Timeout;
  #ready = false;
  #sent = '';
  #endedJobs = -1;
  #history: readonly HistoryEntry[] = [];
  #estimate: EngineCalls['estimate']['result'] = {};
  #waitingDialog: ToPage | undefined;

  constructor(app: App, udid: string, panel: vscode.WebviewPanel) {
    this.#app = app;
    this.#udid = udid;
    this.#panel = panel;
    const { extensionUri } = app;
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist'), vscode.Uri.joinPath(extensionUri, 'media')],
    };
    panel.iconPath = new vscode.ThemeIcon('device-mobile') as unknown as vscode.Uri;
    this.#subscriptions.push(
      panel.webview.onDidReceiveMessage((message: unknown) => void this.#receive(message)),
      panel.onDidChangeViewState(() => this.#draw()),
      app.engine.onChange(() => this.#follow()),
    );
    this.#timer = setInterval(() => this.#draw(), TICK_MS);
    panel.webview.html = pageHtml(panel.webview, extensionUri);
    this.#refreshDevice();
    this.#follow();
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Opens the dialog, at once or as soon as the page is there. */
  askPassword(change: 'on' | 'change' | 'off'): void {
    void this.#app.passwords.has(this.#udid).then((remembered) => {
      const message: ToPage = { type: 'askPassword', change, remembered };
      if (this.#ready) void this.#panel.webview.postMessage(message);
      else this.#waitingDialog = message;
    });
  }

  dispose(): void {
    clearInterval(this.#timer);
    vscode.Disposable.from(...this.#subscriptions).dispose();
    this.#panel.dispose();
  }

  async #receive(message: unknown): Promise<void> {
    try {
      const intent = readMessage(message);
      if (intent.type === 'ready') {
        this.#ready = true;
        this.#sent = '';
        this.#draw();
        if (this.#waitingDialog) void this.#panel.webview.postMessage(this.#waitingDialog);
        this.#waitingDialog = undefined;
        return;
      }
      await act(this.#app, this.#udid, intent, (change) => this.askPassword(change));
    } catch (error) {
      if (isCancellation(error)) return;
      const { code, message: text } = toErrorData(error);
      this.#app.log.error(`page: ${code}: ${text}`);
      // The end of a job is shown by the page itself and by the window's notification.
      if (!this.#endedJob(code)) await showProblem(this.#app, error);
    } finally {
      this.#draw();
    }
  }

  #endedJob(code: string): boolean {
    const jobs = this.#app.engine.state?.jobs ?? [];
    return jobs.some(
      ({ udid, outcome }) => udid === this.#udid && outcome?.kind === 'failed' && outcome.error.code === code,
    );
  }

  #follow(): void {
    const ended = (this.#app.engine.state?.jobs ?? []).filter(({ udid, outcome }) => udid === this.#udid && outcome);
    if (this.#app.engine.state && ended.length !== this.#endedJobs) {
      this.#endedJobs = ended.length;
      void this.#readHistory();
    }
    this.#draw();
  }

  async #readHistory(): Promise<void> {
    const udid = this.#udid;
    try {
      this.#history = await this.#app.engine.call('history', { udid });
      this.#estimate = await this.#app.engine.call('estimate', { udid, folder: settings().folderFor(udid) });
    } catch (error) {
      this.#app.log.debug(`no history or estimate: ${toErrorData(error).message}`);
    }
    this.#draw();
  }

  #refreshDevice(): void {
    if (!this.#app.engine.state) return;
    this.#app.engine.call('refreshDevice', { udid: this.#udid }).catch((error: unknown) => {
      this.#app.log.debug(`cannot refresh the device: ${toErrorData(error).message}`);
    });
  }

  #draw(): void {
    if (!this.#ready || !this.#panel.visible) return;
    const { engine } = this.#app;
    const state = pageState({
      udid: this.#udid,
      engine: engine.state,
      folder: settings().folderFor(this.#udid),
      automatic: this.#app.automatic.settingOf(this.#udid),
      estimate: this.#estimate,
      history: this.#history,
      now: Date.now(),
    });
    if (this.#panel.title !== state.header.name) this.#panel.title = state.header.name;
    const sent = JSON.stringify(state);
    if (sent === this.#sent) return;
    this.#sent = sent;
    void this.#panel.webview.postMessage({ type: 'state', state } satisfies ToPage);
  }
}
