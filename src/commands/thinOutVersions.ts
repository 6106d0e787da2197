import { t } from '@vscode/l10n';
import path from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import type { BackupSummary, RetentionPolicy } from '../backups';
import { keepVersions } from '../app/settings';
import { formatBytes, formatDateTime, formatNumber } from '../texts/format';
import { policyText, reasonText } from '../texts/retention';
import type { TreeNode } from '../views/tree/nodes';
import { chooseBackup } from './chooseBackup';

/** What some days of use need: offered where no rule is set. */
const USUAL: RetentionPolicy = { last: 3, daily: 7, weekly: 4, monthly: 6 };

/** Shows which versions of a device would go by the rule, and why the others stay; removes them when told to. */
export async function thinOutVersions(app: App, node?: TreeNode): Promise<void> {
  const backup = await chooseBackup(app, node);
  if (!backup) return;
  const { udid } = backup;
  if (udid === undefined) throw new AppError('notABackup', `${backup.path} does not say of which device it is`);
  const folder = path.dirname(backup.path);
  const set = keepVersions();
  const policy = set ?? USUAL;
  const rule = set ? t('keep {0}', policyText(policy)) : t('no rule is set; suggested: keep {0}', policyText(policy));
  const plan = await app.engine.call('previewRetention', { folder, udid, policy });
  const known = new Map(app.engine.state?.catalogue.backups.map((one) => [one.path, one]));
  const about = (place: string) => known.get(place);
  const freed = plan.remove.reduce((sum, place) => sum + (about(place)?.size?.freed ?? 0), 0);
  const remove = {
    label: `$(trash) ${plan.remove.length === 1 ? t('Remove 1 Version…') : t('Remove {0} Versions…', formatNumber(plan.remove.length))}`,
    detail: freed > 0 ? t('About {0} will be free, more where files are shared among them.', formatBytes(freed)) : '',
    act: 'remove' as const,
  };
  const change = {
    label: `$(settings-gear) ${t('Change the Rule…')}`,
    detail: policyText(policy),
    act: 'settings' as const,
  };
  const row = (place: string, label: string, detail: string) => ({
    label,
    description: describe(about(place)),
    detail,
    act: undefined,
  });
  const goes = plan.remove.map((place) => row(place, `$(trash) ${nameOf(about(place), place)}`, t('goes')));
  const stays = plan.keep.map(({ path: place, because }) =>
    row(place, `$(check) ${nameOf(about(place), place)}`, reasonText(because)),
  );
  const picked = await vscode.window.showQuickPick([...(goes.length > 0 ? [remove] : []), change, ...goes, ...stays], {
    title: t('Versions of {0}', backup.deviceName ?? udid),
    placeHolder:
      goes.length === 0 ? t('Nothing goes: {0}', rule) : t('These would go, nothing has been removed yet: {0}', rule),
    matchOnDetail: true,
  });
  if (picked?.act === 'settings') {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'iosBackup.keepVersions');
  }
  if (picked?.act !== 'remove' || !(await confirmed(plan.remove, about, folder))) return;
  const gone = await app.engine.call('applyRetention', { folder, udid, policy, only: plan.remove });
  void vscode.window.showInformationMessage(
    gone.length === 1 ? t('1 version was removed.') : t('{0} versions were removed.', formatNumber(gone.length)),
  );
}

async function confirmed(
  remove: readonly string[],
  about: (place: string) => BackupSummary | undefined,
  folder: string,
): Promise<boolean> {
  const go = t('Remove');
  const answer = await vscode.window.showWarningMessage(
    remove.length === 1
      ? t('Remove this version for good?')
      : t('Remove these {0} versions for good?', formatNumber(remove.length)),
    { modal: true, detail: [...remove.map((place) => nameOf(about(place), place)), '', folder].join('\n') },
    t('Keep Them'),
    go,
  );
  return answer === go;
}

function nameOf(backup: BackupSummary | undefined, place: string): string {
  return backup?.label ?? (backup?.date ? formatDateTime(backup.date) : path.basename(place));
}

function describe(backup: BackupSummary | undefined): string {
  const version = backup?.productVersion === undefined ? '' : `iOS ${backup.productVersion}`;
  const size = backup?.size === undefined ? '' : t('{0} on its own', formatBytes(backup.size.freed));
  return [version, size].filter((part) => part !== '').join(' · ');
}
