import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { isCancellation, toErrorData } from '../../base/errors';
import type { CellContent } from '../../backups';
import { formatNumber } from '../../texts/format';
import { problem } from '../../texts/problems';
import { parseBackupUri } from '../backupFileSystem/backupUri';
import { escapeHtml, pageFrame } from '../pageFrame';
import { type FromPage, PAGE_ROWS, type TableSummary, type ToPage, type View } from './protocol';
import { readMessage } from './readMessage';

/** A place in a database, to be shown when its editor opens. */
export interface DatabasePlace {
  readonly table: string;
  /** From 0, in the order of the table. */
  readonly row: number;
}

/** A database of a backup as tables, page by page; the reader has it open, the page draws what it is sent. */
export class SqliteEditor implements vscode.CustomReadonlyEditorProvider {
  constructor(private readonly app: App) {}

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose() {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const { extensionUri } = this.app;
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist'), vscode.Uri.joinPath(extensionUri, 'media')],
    };
    const page = new DatabasePage(this.app, uri, panel);
    panel.onDidDispose(() => page.dispose());
    panel.webview.html = pageFrame(panel.webview, extensionUri, {
      title: uri.path.slice(uri.path.lastIndexOf('/') + 1),
      styles: ['backup.css'],
      body: body(),
      script: 'database.js',
      pictures: true,
    });
  }
}

/** Where editors that are about to open should go: by address. */
const wishes = new Map<string, DatabasePlace>();
const pages = new Map<string, DatabasePage>();

/** Opens a database's editor at a row. */
export async function openDatabaseAt(uri: vscode.Uri, place: DatabasePlace): Promise<void> {
  const there = pages.get(uri.toString());
  if (there) there.show(place);
  else wishes.set(uri.toString(), place);
  await vscode.commands.executeCommand('vscode.openWith', uri, 'iosBackup.sqlite');
}

class DatabasePage implements vscode.Disposable {
  readonly #abort = new AbortController();
  readonly #subscription: vscode.Disposable;
  readonly #id: string;
  readonly #path: string;

  constructor(
    private readonly app: App,
    private readonly uri: vscode.Uri,
    private readonly panel: vscode.WebviewPanel,
  ) {
    ({ id: this.#id, path: this.#path } = parseBackupUri(uri));
    this.#subscription = vscode.Disposable.from(
      panel.webview.onDidReceiveMessage((message: unknown) => void this.#receive(message)),
      // An editor that came back with the window waits for the password.
      app.openBackups.onChange(({ id, locked }) => {
        if (id === this.#id && !locked) void this.#receive({ type: 'ready' });
      }),
    );
    pages.set(uri.toString(), this);
  }

  show({ table, row }: DatabasePlace): void {
    this.#send({ type: 'show', table, row });
  }

  dispose(): void {
    this.#abort.abort();
    this.#subscription.dispose();
    if (pages.get(this.uri.toString()) === this) pages.delete(this.uri.toString());
  }

  #send(message: ToPage): void {
    void this.panel.webview.postMessage(message);
  }

  async #receive(message: unknown): Promise<void> {
    try {
      await this.#answer(readMessage(message));
    } catch (error) {
      if (isCancellation(error) || this.#abort.signal.aborted) return;
      const { code, details, message: text } = toErrorData(error);
      this.app.log.warn(`database page: ${code}: ${text}`);
      const { text: what, next } = problem(code, details);
      this.#send({
        type: 'problem',
        text: code === 'backupDamaged' ? t('This cannot be read: {0}', text) : `${what} ${next}`,
      });
    }
  }

  async #answer(message: FromPage): Promise<void> {
    const options = { signal: this.#abort.signal };
    const { openBackups } = this.app;
    const path = this.#path;
    switch (message.type) {
      case 'ready': {
        const { tables, logPages } = await openBackups.call(this.#id, 'tables', { path }, options);
        const note = logPages > 0 ? t('With its write-ahead log (pages: {0}).', formatNumber(logPages)) : '';
        const shown = tables.map(({ rows, ...table }): TableSummary => {
          return { ...table, rows: rows === undefined ? '' : formatNumber(rows) };
        });
        this.#send({ type: 'tables', tables: shown, note, words: words() });
        const wish = wishes.get(this.uri.toString());
        wishes.delete(this.uri.toString());
        if (wish) this.show(wish);
        return;
      }
      case 'rows': {
        const { view } = message;
        const query = { ...queryOf(view), offset: view.offset, limit: PAGE_ROWS };
        const page = await openBackups.call(this.#id, 'rows', { path, query }, options);
        this.#send({ type: 'rows', view, ...page });
        return;
      }
      case 'cell': {
        const { view, row, column } = message;
        const content = await openBackups.call(this.#id, 'cell', { path, query: queryOf(view), row, column }, options);
        this.#send({ type: 'cell', title: `${view.table} · ${column}`, ...shownContent(content) });
        return;
      }
    }
  }
}

function queryOf({ table, sort, filter }: View): {
  readonly table: string;
  readonly filter: string;
  readonly sort?: NonNullable<View['sort']>;
} {
  return { table, filter, ...(sort ? { sort } : {}) };
}

function shownContent(content: CellContent): { readonly text?: string; readonly picture?: string } {
  if (content.kind !== 'picture') return { text: content.text };
  const { bytes } = content;
  const type = bytes[0] === 0xff ? 'jpeg' : bytes[0] === 0x89 ? 'png' : bytes[0] === 0x47 ? 'gif' : 'webp';
  return {
    picture: `data:image/${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}`,
  };
}

function words() {
  return {
    rows: t('Rows {0}–{1}'),
    noRows: t('No rows'),
    page: t('Loading…'),
    blob: t('{0}, {1} bytes'),
  };
}

function body(): string {
  const say = escapeHtml;
  return `<div class="database">
  <nav aria-label="${say(t('Tables'))}"><ul id="tables"></ul><p id="note" class="dim"></p></nav>
  <main>
    <header class="bar">
      <h1 id="table"></h1>
      <input id="filter" type="search" placeholder="${say(t('Filter rows'))}" aria-label="${say(t('Filter rows'))}">
      <span id="range" class="dim" role="status"></span>
      <button id="previous" title="${say(t('Previous page'))}" aria-label="${say(t('Previous page'))}"><i class="codicon codicon-chevron-left" aria-hidden="true"></i></button>
      <button id="next" title="${say(t('Next page'))}" aria-label="${say(t('Next page'))}"><i class="codicon codicon-chevron-right" aria-hidden="true"></i></button>
    </header>
    <details id="schema"><summary>${say(t('Schema'))}</summary><pre id="sql"></pre></details>
    <p id="problem" class="warning" role="alert" hidden></p>
    <div class="scroll" tabindex="0"><table aria-labelledby="table"><thead><tr id="head"></tr></thead><tbody id="body"></tbody></table></div>
    <section id="value" hidden aria-labelledby="value-title">
      <header class="bar"><h2 id="value-title"></h2><button id="close-value" title="${say(t('Close'))}" aria-label="${say(t('Close'))}"><i class="codicon codicon-close" aria-hidden="true"></i></button></header>
      <pre id="value-text" tabindex="0"></pre><img id="value-picture" alt="" hidden>
    </section>
  </main>
</div>`;
}
