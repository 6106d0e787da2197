import fs from 'node:fs';
import path from 'node:path';
import { afterEach } from 'mocha';
import type { Browser, BrowserContext } from 'playwright-core';
import { EditorWindow, shotsFolder } from './editorWindow';
import { endProcessesOf, processesOf } from './vscodeHost/endProcessesOf';
import { type HostServer, type HostServerOptions, startHostServer } from './vscodeHost/hostServer';
import { openBrowser, openHostWindow } from './vscodeHost/hostWindow';

const themes = {
  dark: 'Dark Modern',
  light: 'Light Modern',
  highContrast: 'Default High Contrast',
  highContrastLight: 'Default High Contrast Light',
};
export type Theme = keyof typeof themes;

const companion = path.join(PROJECT_ROOT, 'test', 'support', 'vscodeHost', 'companion');
const wantedSettings = 'wanted-settings.json';

export interface EditorOptions extends Pick<HostServerOptions, 'settings' | 'port'> {
  /** Also seen by extensions. */
  readonly env?: Readonly<Record<string, string>>;
  /** A .vsix to install; by default the project's own folder, as it was last built. */
  readonly vsix?: string;
  /** Start with this one; dark otherwise. */
  readonly theme?: Theme;
  /** In CSS pixels; 1280 × 800 otherwise. */
  readonly viewport?: { readonly width: number; readonly height: number };
}

/**
 * A real VS Code with the extension installed, and a home, settings and folders of its own. Windows of one editor share
 * an extension host's server, settings and stored secrets, as windows on a desktop do.
 *
 * ```ts
 * await using editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: device.address } });
 * const window = await editor.openWindow();
 * ```
 */
export class Editor implements AsyncDisposable {
  readonly windows: EditorWindow[] = [];

  private constructor(
    readonly server: HostServer,
    private readonly browser: Browser,
    private readonly context: BrowserContext,
  ) {}

  static async start(options: EditorOptions = {}): Promise<Editor> {
    if (!options.vsix && !fs.existsSync(path.join(PROJECT_ROOT, 'dist', 'extension.js'))) {
      throw new Error('the extension is not built: npm run build');
    }
    const { env = {}, settings = {}, port } = options;
    const server = await startHostServer({
      env: (folder) => ({ ...env, WANTED_SETTINGS: path.join(folder, wantedSettings) }),
      settings: {
        'workbench.colorTheme': themes[options.theme ?? 'dark'],
        'workbench.reduceMotion': 'on', // A picture shows a thing as it is, not as it fades in.
        ...settings,
      },
      extensions: [options.vsix ?? PROJECT_ROOT, companion],
      ...(port === undefined ? {} : { port }),
    });
    try {
      const browser = await openBrowser();
      const context = await browser.newContext({
        viewport: options.viewport ?? { width: 1280, height: 800 },
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      context.setDefaultTimeout(20_000);
      return new Editor(server, browser, context);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Opens a window on the workspace folder, and waits until the workbench is there. */
  async openWindow(folder = this.server.workspace): Promise<EditorWindow> {
    const window = await EditorWindow.open((before) => openHostWindow(this.context, this.server, { folder, before }));
    this.windows.push(window);
    return window;
  }

  /** Changes user settings; null takes one away. Open windows follow within a second. */
  changeSettings(changes: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#changed, changes);
    // Renamed into place, so that nobody reads half a file.
    fs.writeFileSync(`${this.#wantedSettings}.new`, JSON.stringify(this.#changed));
    fs.renameSync(`${this.#wantedSettings}.new`, this.#wantedSettings);
  }
  readonly #changed: Record<string, unknown> = {};

  get #wantedSettings(): string {
    return path.join(this.server.folder, wantedSettings);
  }

  /** Changes the theme, and waits until every window is drawn in it. */
  async setTheme(theme: Theme): Promise<void> {
    this.changeSettings({ 'workbench.colorTheme': themes[theme] });
    const kind = { dark: 'vs-dark', light: 'vs', highContrast: 'hc-black', highContrastLight: 'hc-light' }[theme];
    const open = this.windows.filter(({ page }) => !page.isClosed());
    await Promise.all(open.map(({ page }) => page.locator(`.monaco-workbench.${kind}`).waitFor()));
  }

  /** Processes that run with this editor's home: server, extension hosts, and an engine that outlives them. Linux only. */
  processes(): number[] {
    return processesOf(this.server.folder);
  }

  /** Kills what still runs with this editor's home, the server included. */
  killProcesses(): number[] {
    return endProcessesOf(this.server.folder);
  }

  /** Pictures of all windows, what they wrote to the console, and the logs of server and extension, in `shots/<name>…`. */
  async keepEvidence(name: string): Promise<void> {
    const base = path.join(shotsFolder, name.replace(/[^\w.-]+/g, '-'));
    fs.mkdirSync(shotsFolder, { recursive: true });
    for (const [index, window] of this.windows.entries()) {
      const file = `${base}-${index + 1}`;
      fs.writeFileSync(`${file}.console.log`, window.consoleLines.join('\n'));
      await window.page.screenshot({ path: `${file}.png` }).catch(() => {}); // A closed window has no picture.
    }
    const logs = path.join(this.server.folder, 'data', 'logs');
    const files = fs.existsSync(logs) ? (fs.readdirSync(logs, { recursive: true }) as string[]) : [];
    const extensionLogs = files
      .filter((file) => /iOS Backup|exthost\.log$/i.test(file) && file.endsWith('.log'))
      .map((file) => `--- ${file}\n${fs.readFileSync(path.join(logs, file), 'utf8')}`);
    fs.writeFileSync(`${base}.server.log`, [this.server.readLog(), ...extensionLogs].join('\n'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.server.stop();
  }
}

/** In a describe(): keeps evidence of the editor when a test fails, named after the test. */
export function keepEvidenceOfFailures(editor: () => Editor | undefined): void {
  afterEach('keep evidence of a failure', async function () {
    const test = this.currentTest;
    if (test?.state === 'failed') await editor()?.keepEvidence(`failed ${test.fullTitle()}`);
  });
}
