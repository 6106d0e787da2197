import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { isCancellation, toErrorData } from '../../base/errors';
import type { EngineCalls, HistoryEntry } from '../../engine/protocol';
import { settings } from '../../app/settings';
import { lostPasswordHelp, type RememberedState } from '../../texts/lostPassword';
import { tryRememberedPasswords } from '../../app/tryRememberedPasswords';
import { showProblem } from '../showProblem';
import { isToldByJob } from '../isToldByJob';
import { pageHtml } from './html';
import { act } from './intents';
import { pageState } from './pageState';
import type { PasswordChange, ToPage } from './protocol';
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

  /** Opens the dialog for a change of encryption. */
  async askPassword(change: PasswordChange): Promise<void> {
    this.#openDialog({ type: 'askPassword', change, remembered: await this.#app.passwords.has(this.#udid) });
  }

  /** Opens the dialog that helps when the password is lost. */
  async helpWithPassword(): Promise<void> {
    const candidates = await this.#app.passwords.candidates(this.#udid);
    this.#showHelp(candidates.length > 0 ? 'some' : 'none');
  }

  async tryRemembered(): Promise<void> {
    this.#showHelp(await tryRememberedPasswords(this.#app, this.#udid));
  }

  #showHelp(remembered: RememberedState): void {
    this.#openDialog({ type: 'forgotPassword', help: lostPasswordHelp(remembered, process.platform) });
  }

  /** At once, or as soon as the page is there. */
  #openDialog(message: ToPage): void {
    if (this.#ready) void this.#panel.webview.postMessage(message);
    else this.#waitingDialog = message;
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
      await act({ app: this.#app, udid: this.#udid, page: this }, intent);
    } catch (error) {
      if (isCancellation(error)) return;
      const { code, message: text } = toErrorData(error);
      this.#app.log.error(`page: ${code}: ${text}`);
      if (!(await isToldByJob(this.#app, error))) await showProblem(this.#app, error);
    } finally {
      this.#draw();
    }
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
      ...(engine.problem ? { engineProblem: engine.problem } : {}),
      automatic: this.#app.automatic.settingOf(this.#udid),
      estimate: this.#estimate,
      history: this.#history,
      reminderDays: settings().reminderDays,
      reminderQuietUntil: this.#app.reminders.quietUntil(this.#udid),
      can: {
        openBackup: this.#app.hasCommand('iosBackup.openBackup'),
        restore: this.#app.hasCommand('iosBackup.restore'),
      },
      now: Date.now(),
    });
    if (this.#panel.title !== state.header.name) this.#panel.title = state.header.name;
    const sent = JSON.stringify(state);
    if (sent === this.#sent) return;
    this.#sent = sent;
    void this.#panel.webview.postMessage({ type: 'state', state } satisfies ToPage);
  }
}
