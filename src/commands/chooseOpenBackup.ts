import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import { BACKUP_SCHEME, type BackupPlace, parseBackupUri } from '../views/backupFileSystem/backupUri';
import { requireUnlocked } from '../views/backupFileSystem/unlockBackup';
import type { TreeNode } from '../views/tree/nodes';
import { openBackup } from './openBackup';

/** What a command of an opened backup may be given: an entry of the explorer, a node of a tree, or nothing. */
export type BackupTarget = vscode.Uri | TreeNode | undefined;

/**
 * The place in an opened backup that is meant: the explorer's entry, the only opened backup, or the one that the person
 * picks. It is unlocked when this returns.
 * @returns undefined if the person picked none.
 * @throws AppError `cancelled` if it stays locked.
 */
export async function chooseOpenBackup(app: App, target: BackupTarget): Promise<BackupPlace | undefined> {
  const place = await choose(app, target);
  if (place) await requireUnlocked(app, place.id);
  return place;
}

async function choose(app: App, target: BackupTarget): Promise<BackupPlace | undefined> {
  if (target instanceof vscode.Uri && target.scheme === BACKUP_SCHEME) return parseBackupUri(target);
  if (target && !(target instanceof vscode.Uri) && target.kind === 'backup') {
    const id = await app.openBackups.register(target.backup);
    return { id, path: '' };
  }
  const { folders } = app.openBackups;
  const [only, another] = folders;
  if (!only) {
    // Nothing is open yet: that comes first, and the window may start again with it.
    const open = t('Open Backup…');
    const text = t('Open a backup as a folder first.');
    if ((await vscode.window.showInformationMessage(text, open)) === open) await openBackup(app);
    return undefined;
  }
  if (!another) return { id: only.id, path: '' };
  const picked = await vscode.window.showQuickPick(
    folders.map(({ id, name }) => ({ label: name, id })),
    { title: t('Which backup?') },
  );
  return picked && { id: picked.id, path: '' };
}

/** The same for commands that need no password. */
export function openBackupOf(app: App, target: BackupTarget): string {
  if (target instanceof vscode.Uri && target.scheme === BACKUP_SCHEME) return target.authority;
  const [first] = app.openBackups.folders;
  if (!first) throw new AppError('notABackup', 'no backup is open as a folder');
  return first.id;
}
