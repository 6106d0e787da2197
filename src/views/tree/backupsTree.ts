import * as vscode from 'vscode';
import type { BackupSummary } from '../../backups/types';
import type { EngineSession } from '../../app/engineSession';
import type { BackedUpDeviceNode, TreeNode } from './nodes';
import { treeItem } from './treeItem';

/** All known backups, by device; below them the folders that cannot be listed now. */
export class BackupsTree implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  readonly #engine: EngineSession;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #subscriptions: vscode.Disposable[] = [];
  readonly onDidChangeTreeData = this.#changed.event;
  #shown: unknown;

  constructor(engine: EngineSession) {
    this.#engine = engine;
    this.#subscriptions.push(
      this.#changed,
      engine.onChange(() => this.#refresh()),
    );
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    return treeItem(node);
  }

  getChildren(node?: TreeNode): TreeNode[] {
    if (node) return node.kind === 'backedUpDevice' ? node.backups.map((backup) => ({ kind: 'backup', backup })) : [];
    const catalogue = this.#engine.state?.catalogue;
    if (!catalogue) return [];
    const folders = catalogue.folders.filter(({ state }) => state !== 'ready' && state !== 'missing');
    // With nothing to list, the view's welcome text says why.
    if (catalogue.backups.length === 0) return [];
    return [
      ...byDevice(catalogue.backups, this.#engine.state?.devices ?? []),
      ...folders.map((folder) => ({ kind: 'folder', folder }) as const),
    ];
  }

  getParent(node: TreeNode): TreeNode | undefined {
    if (node.kind !== 'backup') return undefined;
    return this.getChildren().find((one) => one.kind === 'backedUpDevice' && one.backups.includes(node.backup));
  }

  /** The node above all backups of a device. */
  deviceNode(udid: string): TreeNode | undefined {
    return this.getChildren().find((one) => one.kind === 'backedUpDevice' && one.key === udid);
  }

  dispose(): void {
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  /** The catalogue stays the same object until something in it changes. */
  #refresh(): void {
    const catalogue = this.#engine.state?.catalogue;
    if (catalogue === this.#shown) return;
    this.#shown = catalogue;
    this.#changed.fire(undefined);
  }
}

/** Groups in the order of their newest backup. A connected device's present name wins over the one in its backups. */
export function byDevice(
  backups: readonly BackupSummary[],
  devices: readonly { readonly udid: string; readonly identity?: { readonly name: string } }[],
): BackedUpDeviceNode[] {
  const groups = new Map<string, BackupSummary[]>();
  for (const backup of backups) {
    const key = backup.udid ?? backup.path;
    const group = groups.get(key);
    if (group) group.push(backup);
    else groups.set(key, [backup]);
  }
  return [...groups].map(([key, group]) => {
    const present = devices.find(({ udid }) => udid === key)?.identity?.name;
    const name = present ?? group.find(({ deviceName }) => deviceName)?.deviceName ?? key;
    return { kind: 'backedUpDevice', key, name, backups: group };
  });
}
