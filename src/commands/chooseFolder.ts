import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { defaultFolder, setFolder, settings } from '../app/settings';
import { formatBytes } from '../texts/format';
import type { TreeNode } from '../views/tree/nodes';

interface Place extends vscode.QuickPickItem {
  /** Absolute; `another`: the person is asked; undefined: what holds for all devices. */
  readonly folder: string | undefined;
}

/** Where backups go from now on: of the clicked device, else of all that have no folder of their own. */
export async function chooseFolder(app: App, node?: TreeNode): Promise<void> {
  const udid = node?.kind === 'device' ? node.device.udid : undefined;
  const now = settings().folderFor(udid ?? '');
  const picked = await vscode.window.showQuickPick(places(app, udid, now), {
    title: t('Where are backups kept?'),
    placeHolder: t('Now: {0}', now),
    matchOnDescription: true,
  });
  if (!picked) return;
  const folder = picked.folder === 'another' ? await askFolder(now) : picked.folder;
  if (folder === undefined && picked.folder === 'another') return;
  await setFolder(udid, udid === undefined && folder === defaultFolder() ? undefined : folder);
}

function places({ engine }: App, udid: string | undefined, now: string): readonly Place[] {
  const folders = engine.state?.catalogue.folders ?? [];
  const room = (path: string) => {
    const free = folders.find((one) => one.path === path)?.freeBytes;
    return free === undefined ? '' : t('{0} free', formatBytes(free));
  };
  const all = settings().folderFor('');
  const own: Place = {
    label: `$(home) ${t('My home folder')}`,
    description: room(defaultFolder()),
    detail: defaultFolder(),
    folder: defaultFolder(),
  };
  const shared: Place = {
    label: `$(folder) ${t('The same folder as for all devices')}`,
    description: room(all),
    detail: all,
    folder: undefined,
  };
  const system = folders
    .filter(({ kind, state }) => kind === 'system' && state === 'ready')
    .map(({ path }): Place => ({
      label: `$(folder-library) ${t('The folder of Finder, iTunes or Apple Devices')}`,
      description: room(path),
      detail: path,
      folder: path,
    }));
  const another: Place = {
    label: `$(folder-opened) ${t('Another folder…')}`,
    detail: t('Also on an external disk or a network share'),
    folder: 'another',
  };
  const offered = [
    ...(udid === undefined ? [] : [shared]),
    ...(udid !== undefined && all === defaultFolder() ? [] : [own]),
  ];
  return [...offered, ...system, another].map((place) => ({
    ...place,
    ...(place.detail === now ? { picked: true } : {}),
  }));
}

async function askFolder(now: string): Promise<string | undefined> {
  const [picked] =
    (await vscode.window.showOpenDialog({
      title: t('Where are backups kept?'),
      openLabel: t('Keep Backups Here'),
      canSelectFolders: true,
      canSelectFiles: false,
      defaultUri: vscode.Uri.file(now),
    })) ?? [];
  return picked?.fsPath;
}
