import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import type { BackupSummary } from '../backups/types';
import { formatDateTime } from '../texts/format';
import type { TreeNode } from '../views/tree/nodes';

/**
 * The clicked backup, or a clicked device's newest; else the one the person picks.
 * @returns undefined if the picker was closed.
 * @throws AppError `notABackup` if there is none.
 */
export async function chooseBackup(
  app: App,
  node: TreeNode | undefined,
  fits: (backup: BackupSummary) => boolean = () => true,
): Promise<BackupSummary | undefined> {
  if (node?.kind === 'backup') return node.backup;
  if (node?.kind === 'backedUpDevice') return node.backups.find(fits);
  const backups = (app.engine.state?.catalogue.backups ?? []).filter(fits);
  if (backups.length === 0) throw new AppError('notABackup', 'the catalogue is empty');
  const picked = await vscode.window.showQuickPick(
    backups.map((backup) => ({
      label: `${backup.encrypted ? '$(lock) ' : ''}${backup.deviceName ?? backup.path}`,
      description: backup.date ? formatDateTime(backup.date) : '',
      detail: backup.path,
      backup,
    })),
    { title: t('Choose a backup'), matchOnDescription: true, matchOnDetail: true },
  );
  return picked?.backup;
}
