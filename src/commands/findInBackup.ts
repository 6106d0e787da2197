import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { isCancellation } from '../base/errors';
import type { NamedPath } from '../reader/protocol';
import { backupUri } from '../views/backupFileSystem/backupUri';
import { showProblem } from '../views/showProblem';
import { type BackupTarget, chooseOpenBackup } from './chooseOpenBackup';

/** Between the last key and the question to the reader. */
const TYPING_MS = 150;
const LIMIT = 200;

interface Item extends vscode.QuickPickItem {
  readonly found: NamedPath;
}

/** Finds files and folders of an opened backup by name, while the person types. */
export async function findInBackup(app: App, target?: BackupTarget): Promise<void> {
  const place = await chooseOpenBackup(app, target);
  if (!place) return;
  const { id } = place;
  const pick = vscode.window.createQuickPick<Item>();
  pick.title = t('Find in “{0}”', app.openBackups.backup(id).name);
  pick.placeholder = t('Words of the name, the folder or the app');
  let abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const search = async (text: string) => {
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    if (text.trim() === '') {
      pick.items = [];
      pick.busy = false;
      return;
    }
    pick.busy = true;
    try {
      const { matches, more } = await app.openBackups.call(id, 'searchNames', { text, limit: LIMIT }, { signal });
      if (signal.aborted) return;
      pick.items = matches.map((found) => toItem(found));
      pick.title = more
        ? t('Find in “{0}”: the first {1}', app.openBackups.backup(id).name, LIMIT)
        : t('Find in “{0}”: {1} found', app.openBackups.backup(id).name, matches.length);
      pick.busy = false;
    } catch (error) {
      if (isCancellation(error) || signal.aborted) return;
      pick.hide();
      await showProblem(app, error);
    }
  };

  await new Promise<void>((resolve) => {
    pick.onDidChangeValue((text) => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(text), TYPING_MS);
    });
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item) void show(id, item.found);
      pick.hide();
    });
    pick.onDidHide(() => {
      clearTimeout(timer);
      abort.abort();
      pick.dispose();
      resolve();
    });
    pick.show();
  });
}

function toItem(found: NamedPath): Item {
  const slash = found.path.lastIndexOf('/');
  const icon = { file: 'file', folder: 'folder', link: 'file-symlink-file' }[found.kind];
  return {
    label: `$(${icon}) ${found.path.slice(slash + 1)}`,
    description: found.path.slice(0, Math.max(0, slash)),
    // What matches was decided by the reader.
    alwaysShow: true,
    found,
  };
}

async function show(id: string, { path, kind }: NamedPath): Promise<void> {
  const uri = backupUri({ id, path });
  await vscode.commands.executeCommand(kind === 'folder' ? 'revealInExplorer' : 'vscode.open', uri);
}
