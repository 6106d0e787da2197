import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { isAppError, isCancellation } from '../base/errors';
import type { BackupSummary } from '../backups/types';
import { formatDateTime, formatNumber } from '../texts/format';
import { withAbort } from '../app/withAbort';
import { type BackupTarget, chooseOpenBackup } from './chooseOpenBackup';

/** Compares an opened backup with an earlier one; the differences fill a tree as they are found. */
export async function compareBackups(app: App, target?: BackupTarget): Promise<void> {
  const place = await chooseOpenBackup(app, target);
  if (!place) return;
  const { id } = place;
  const { folder, name } = app.openBackups.backup(id);
  const { udid } = await app.openBackups.info(id);
  const other = await chooseOther(app, folder, udid);
  if (!other) return;
  const { comparison } = app.backupViews;
  const title = t('Comparing with {0}', other.name);
  comparison.start(id, { before: other.name, after: name });
  for (let password: string | undefined; ;) {
    try {
      const params = { folder: other.path, ...(password === undefined ? {} : { password }) };
      await withAbort({ title, cancellable: true }, (signal, report) =>
        app.openBackups.call(id, 'compare', params, {
          signal,
          onProgress: ({ files, differences = [] }) => {
            comparison.add(differences);
            report(t('{0} files', formatNumber(files)));
          },
        }),
      );
      comparison.finish();
      return;
    } catch (error) {
      if (isCancellation(error)) {
        comparison.clear();
        return;
      }
      if (!isAppError(error, 'passwordNeeded') && !isAppError(error, 'wrongPassword')) {
        comparison.clear();
        throw error;
      }
      password = await vscode.window.showInputBox({
        title: t('Unlock “{0}”', other.name),
        prompt: isAppError(error, 'wrongPassword')
          ? t('That is not the password of this backup. It can be an older one than the device has now.')
          : t('This backup has another password than the opened one.'),
        password: true,
        ignoreFocusOut: true,
      });
      if (password === undefined) {
        comparison.clear();
        return;
      }
    }
  }
}

async function chooseOther(
  app: App,
  folder: string,
  udid: string | undefined,
): Promise<{ readonly path: string; readonly name: string } | undefined> {
  const all = (app.engine.state?.catalogue.backups ?? []).filter(({ path }) => path !== folder);
  const nameOf = ({ label, deviceName, date, path }: BackupSummary) =>
    label ?? [deviceName, date && formatDateTime(date)].filter(Boolean).join(', ') ?? path;
  // Those of the same device first.
  const sorted = [...all].sort((a, b) => Number(b.udid === udid) - Number(a.udid === udid));
  const items = sorted.map((backup) => ({
    label: `$(${backup.encrypted ? 'lock' : 'archive'}) ${nameOf(backup)}`,
    detail: backup.path,
    chosen: { path: backup.path, name: nameOf(backup) },
  }));
  const another = { label: `$(folder-opened) ${t('Other Folder…')}`, detail: '', chosen: undefined };
  const picked = await vscode.window.showQuickPick([...items, another], {
    title: t('Compare with which earlier backup?'),
    matchOnDetail: true,
  });
  if (!picked || picked.chosen) return picked?.chosen;
  const dialog = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    openLabel: t('Compare'),
  });
  const chosen = dialog?.[0];
  return chosen && { path: chosen.fsPath, name: chosen.path.slice(chosen.path.lastIndexOf('/') + 1) };
}
