import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { FoundDifference } from '../../reader/protocol';
import { formatBytes, formatNumber } from '../../texts/format';
import { backupUri } from '../backupFileSystem/backupUri';
import { backupTextUri } from './backupTextDocuments';

type Node =
  | { readonly kind: 'folder'; readonly path: string; readonly count: number }
  | { readonly kind: 'difference'; readonly difference: FoundDifference };

/** More than anybody reads; beyond it only the numbers go on. */
const MAX_SHOWN = 20_000;

/** What changed between two backups, by app; a click opens both sides in a diff editor. */
export class ComparisonView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly #view: vscode.TreeView<Node>;
  readonly onDidChangeTreeData = this.#changed.event;
  /** Shown folder, two names deep → what changed below it. */
  #folders = new Map<string, FoundDifference[]>();
  #id = '';
  #names = { before: '', after: '' };
  #count = 0;

  constructor() {
    this.#view = vscode.window.createTreeView('iosBackup.comparison', {
      treeDataProvider: this,
      showCollapseAll: true,
    });
  }

  /** Shows an empty comparison that fills as differences come. */
  start(id: string, names: { readonly before: string; readonly after: string }): void {
    this.#id = id;
    this.#names = names;
    this.#folders = new Map();
    this.#count = 0;
    this.#view.description = `${names.before} → ${names.after}`;
    this.#view.message = t('Comparing…');
    void vscode.commands.executeCommand('setContext', 'iosBackup:comparison', true);
    this.#changed.fire(undefined);
    void vscode.commands.executeCommand('iosBackup.comparison.focus');
  }

  add(differences: readonly FoundDifference[]): void {
    for (const difference of differences) {
      if (++this.#count > MAX_SHOWN) continue;
      const folder = folderOf(difference.path);
      const there = this.#folders.get(folder);
      if (there) there.push(difference);
      else this.#folders.set(folder, [difference]);
    }
    this.#view.message = t('Comparing… {0} differences', formatNumber(this.#count));
    this.#changed.fire(undefined);
  }

  finish(): void {
    const shown = this.#count > MAX_SHOWN ? t(', {0} of them shown', formatNumber(MAX_SHOWN)) : '';
    this.#view.message =
      this.#count === 0 ? t('There is no difference.') : t('{0} differences{1}', formatNumber(this.#count), shown);
    this.#changed.fire(undefined);
  }

  clear(): void {
    this.#folders = new Map();
    void vscode.commands.executeCommand('setContext', 'iosBackup:comparison', false);
    this.#changed.fire(undefined);
  }

  /** The backup whose reader holds both sides. */
  get id(): string {
    return this.#id;
  }

  getChildren(node?: Node): Node[] {
    if (!node) {
      const folders = [...this.#folders].map(
        ([path, { length }]) => ({ kind: 'folder', path, count: length }) as const,
      );
      return folders.sort((a, b) => a.path.localeCompare(b.path));
    }
    if (node.kind === 'difference') return [];
    const differences = this.#folders.get(node.path) ?? [];
    const sorted = [...differences].sort((a, b) => a.path.localeCompare(b.path));
    return sorted.map((difference) => ({ kind: 'difference', difference }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === 'folder') {
      const item = new vscode.TreeItem(node.path, vscode.TreeItemCollapsibleState.Collapsed);
      item.description = formatNumber(node.count);
      item.iconPath = vscode.ThemeIcon.Folder;
      return item;
    }
    return this.#differenceItem(node.difference);
  }

  dispose(): void {
    this.#view.dispose();
    this.#changed.dispose();
  }

  #differenceItem(difference: FoundDifference): vscode.TreeItem {
    const { kind, path, domain, relativePath, sizeBefore, sizeAfter } = difference;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const item = new vscode.TreeItem(name);
    const above = path.slice(folderOf(path).length + 1, -name.length - 1);
    const sizes = [...new Set([sizeBefore, sizeAfter].filter((size) => size !== undefined).map(formatBytes))].join(
      ' → ',
    );
    item.description = [kindText(kind), sizes, above].filter(Boolean).join(' · ');
    item.tooltip = `${path}\n${kindText(kind)} · ${sizes}`;
    item.accessibilityInformation = { label: `${name}, ${item.description}` };
    item.iconPath = icon(kind);
    const side = (one: 'before' | 'after') =>
      backupTextUri(this.#id, name, { kind: 'side', side: one, domain, relativePath });
    item.command =
      kind === 'added'
        ? { command: 'vscode.open', title: t('Open'), arguments: [backupUri({ id: this.#id, path })] }
        : {
            command: 'vscode.diff',
            title: t('Compare'),
            arguments: [side('before'), side('after'), `${name} (${this.#names.before} ↔ ${this.#names.after})`],
          };
    return item;
  }
}

/** `Apps/Notes`, `Camera Roll`: what stands for an app or a part of the system. */
function folderOf(path: string): string {
  const [first = '', second] = path.split('/');
  return second !== undefined && /^(Apps|App Groups|App Extensions|System|Other)$/.test(first)
    ? `${first}/${second}`
    : first;
}

function kindText(kind: FoundDifference['kind']): string {
  switch (kind) {
    case 'added':
      return t('added');
    case 'removed':
      return t('removed');
    case 'changed':
      return t('changed');
  }
}

function icon(kind: FoundDifference['kind']): vscode.ThemeIcon {
  const names = { added: 'diff-added', removed: 'diff-removed', changed: 'diff-modified' };
  const colors = { added: 'addedResource', removed: 'deletedResource', changed: 'modifiedResource' };
  return new vscode.ThemeIcon(names[kind], new vscode.ThemeColor(`gitDecoration.${colors[kind]}Foreground`));
}
