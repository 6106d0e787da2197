import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { FoundContent } from '../../reader/protocol';
import { formatNumber } from '../../texts/format';
import { backupUri } from '../backupFileSystem/backupUri';

type Node = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'match'; readonly match: FoundContent };

const MAX_SHOWN = 20_000;

/** What a search in the contents of a backup found, by file; a click opens it at the hit. In memory only. */
export class SearchResultsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly #view: vscode.TreeView<Node>;
  readonly onDidChangeTreeData = this.#changed.event;
  #files = new Map<string, FoundContent[]>();
  #id = '';
  #count = 0;

  constructor() {
    this.#view = vscode.window.createTreeView('iosBackup.searchResults', {
      treeDataProvider: this,
      showCollapseAll: true,
    });
  }

  get id(): string {
    return this.#id;
  }

  start(id: string, text: string): void {
    this.#id = id;
    this.#files = new Map();
    this.#count = 0;
    this.#view.description = text;
    this.#view.message = t('Searching…');
    void vscode.commands.executeCommand('setContext', 'iosBackup:searchResults', true);
    this.#changed.fire(undefined);
    void vscode.commands.executeCommand('iosBackup.searchResults.focus');
  }

  add(matches: readonly FoundContent[]): void {
    for (const match of matches) {
      if (++this.#count > MAX_SHOWN) continue;
      const there = this.#files.get(match.path);
      if (there) there.push(match);
      else this.#files.set(match.path, [match]);
    }
    if (matches.length > 0) this.#changed.fire(undefined);
  }

  /** @param unreadable Files that could not be searched. */
  finish({
    files,
    unreadable,
    complete,
  }: {
    readonly files: number;
    readonly unreadable: number;
    readonly complete: boolean;
  }): void {
    const found =
      this.#count === 0
        ? t('Nothing found in {0} files.', formatNumber(files))
        : t(
            '{0} found in {1} of {2} files.',
            formatNumber(this.#count),
            formatNumber(this.#files.size),
            formatNumber(files),
          );
    const rest = unreadable > 0 ? t('{0} files could not be read.', formatNumber(unreadable)) : '';
    this.#view.message = [found, rest, complete ? '' : t('The search was stopped.')].filter(Boolean).join(' ');
    this.#changed.fire(undefined);
  }

  clear(): void {
    this.#files = new Map();
    void vscode.commands.executeCommand('setContext', 'iosBackup:searchResults', false);
    this.#changed.fire(undefined);
  }

  getChildren(node?: Node): Node[] {
    if (!node) return [...this.#files.keys()].map((path) => ({ kind: 'file', path }));
    return node.kind === 'file' ? (this.#files.get(node.path) ?? []).map((match) => ({ kind: 'match', match })) : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === 'file') {
      const uri = backupUri({ id: this.#id, path: node.path });
      const item = new vscode.TreeItem(uri, vscode.TreeItemCollapsibleState.Expanded);
      item.description = node.path.slice(0, Math.max(0, node.path.lastIndexOf('/')));
      return item;
    }
    const { path, place, excerpt } = node.match;
    const item = new vscode.TreeItem(excerpt);
    item.tooltip = excerpt;
    item.description =
      place.kind === 'line'
        ? t('line {0}', place.line)
        : t('{0}, row {1}, {2}', place.table, place.row + 1, place.column);
    item.command = {
      command: 'iosBackup.openSearchHit',
      title: t('Open'),
      arguments: [{ id: this.#id, path, place }],
    };
    return item;
  }

  dispose(): void {
    this.#view.dispose();
    this.#changed.dispose();
  }
}
