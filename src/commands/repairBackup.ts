import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { formatNumber } from '../texts/format';
import type { TreeNode } from '../views/tree/nodes';
import { backupTitle } from './backupTitle';
import { chooseBackup } from './chooseBackup';
import { withJobProgress } from './withJobProgress';

/** Makes a repaired version of the last checked backup from files that other versions have whole. */
export async function repairBackup(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node, ({ role }) => role === 'current');
  if (!backup) return;
  const { path } = backup;
  const go = t('Make a Repaired Version');
  const answer = await vscode.window.showInformationMessage(
    t('Repair {0} from other versions?', backupTitle(backup)),
    {
      modal: true,
      detail: t(
        'A new version is made in which every damaged file is replaced by the same file of another version, where their equality is proven. The damaged backup is not changed; it stays as an earlier version.',
      ),
    },
    go,
  );
  if (answer !== go) return;
  const title = t('Repairing {0}', backupTitle(backup));
  const result = await withJobProgress(app, title, { kind: 'repair', path }, (signal) =>
    app.engine.call('repairBackup', { path }, signal),
  );
  if (!result) return;
  const { repaired, left } = result;
  if (repaired === 0) {
    void vscode.window.showWarningMessage(
      t('No repaired version was made: of {0} damaged files no whole copy was found.', formatNumber(left)),
    );
  } else if (left === 0) {
    void vscode.window.showInformationMessage(
      repaired === 1
        ? t('The damaged file is repaired.')
        : t('All {0} damaged files are repaired.', formatNumber(repaired)),
    );
  } else {
    void vscode.window.showWarningMessage(
      t('{0} files are repaired; of {1} no whole copy was found.', formatNumber(repaired), formatNumber(left)),
    );
  }
}
