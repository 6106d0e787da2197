import * as vscode from 'vscode';
import type { App } from '../app';
import { setFolder, settings } from '../settings';
import type { TreeNode } from '../views/tree/nodes';

/** Where backups go from now on: of the clicked device, else of all that have no folder of their own. */
export async function chooseFolder(_app: App, node?: TreeNode): Promise<void> {
  const udid = node?.kind === 'device' ? node.device.udid : undefined;
  const [picked] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Where are backups kept?'),
      openLabel: vscode.l10n.t('Keep Backups Here'),
      canSelectFolders: true,
      canSelectFiles: false,
      defaultUri: vscode.Uri.file(settings().folderFor(udid ?? '')),
    })) ?? [];
  if (picked) await setFolder(udid, picked.fsPath);
}
