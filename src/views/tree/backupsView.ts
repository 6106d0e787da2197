import * as vscode from 'vscode';
import type { EngineSession } from '../../app/engineSession';
import { BackupsTree } from './backupsTree';
import type { TreeNode } from './nodes';

/** The Backups view of the side bar. */
export class BackupsView implements vscode.Disposable {
  readonly #tree: BackupsTree;
  readonly #view: vscode.TreeView<TreeNode>;

  constructor(engine: EngineSession) {
    this.#tree = new BackupsTree(engine);
    const options = { treeDataProvider: this.#tree, showCollapseAll: true };
    this.#view = vscode.window.createTreeView<TreeNode>('iosBackup.backups', options);
  }

  /** Shows the view, and in it the device's backups, if it has any. */
  async reveal(udid: string | undefined): Promise<void> {
    await vscode.commands.executeCommand('iosBackup.backups.focus');
    const node = udid === undefined ? undefined : this.#tree.deviceNode(udid);
    if (node) await this.#view.reveal(node, { select: true, focus: true, expand: true });
  }

  dispose(): void {
    vscode.Disposable.from(this.#view, this.#tree).dispose();
  }
}
