import { t } from '@vscode/l10n';
import type { App } from '../app/app';
import type { BackupSummary } from '../backups';
import { formatDateTime } from '../texts/format';
import { requireUnlocked } from '../views/backupFileSystem/unlockBackup';
import { showContents } from '../views/contents/showContents';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';
import { withCancellableProgress } from './withCancellableProgress';

/** How much each app and each part of the phone takes, and what grew since the version before. */
export async function showBackupContents(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node, ({ state }) => state === 'finished');
  if (!backup) return;
  const title = backupTitle(backup);
  const id = await app.openBackups.known.add({ folder: backup.path, name: title });
  await requireUnlocked(app, id);
  const before = versionBefore(backup, app.engine.state?.catalogue.backups ?? []);
  const sizes = await withCancellableProgress(t('Adding up what is in {0}', title), (signal) =>
    app.openBackups.call(id, 'sizes', before ? { before: before.path } : {}, { signal }),
  );
  if (!sizes) return;
  showContents(backup.path, {
    title,
    domains: sizes.domains,
    ...(sizes.photos && { photos: sizes.photos }),
    before: sizes.compared && before ? { name: nameOf(before) } : { why: reason(before) },
  });
}

function nameOf({ label, date, path }: BackupSummary): string {
  return label ?? (date === undefined ? path : t('the one of {0}', formatDateTime(date)));
}

function reason(before: BackupSummary | undefined): string {
  return before
    ? t('The version before has another password, so what grew since then cannot be said.')
    : t('There is no earlier version to compare with.');
}

/** The newest finished backup of the same device that is older. */
function versionBefore(backup: BackupSummary, all: readonly BackupSummary[]): BackupSummary | undefined {
  const { date = '' } = backup;
  return all
    .filter((one) => one.udid === backup.udid && one.path !== backup.path && one.state === 'finished')
    .filter((one) => (one.date ?? '') < date)
    .sort((one, other) => ((one.date ?? '') < (other.date ?? '') ? 1 : -1))[0];
}
