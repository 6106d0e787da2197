import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { RestoreOptions } from '../engine/protocol';

/** Everything is chosen at first, as Finder does it. @returns undefined if the picker was closed. */
export async function chooseRestoreOptions(name: string): Promise<RestoreOptions | undefined> {
  const item = (label: string, detail: string) => ({ label, detail, picked: true });
  const system = item(
    t('Restore settings and system files'),
    t('Accounts, home screen and other parts of iOS, not only photos and the data of apps'),
  );
  const settings = item(
    t('Replace the settings that the device has now'),
    t('Without it, present settings stay where the backup has others'),
  );
  const others = item(
    t('Remove what is not in the backup'),
    t('The device is afterwards as it was then; without it, newer things stay beside'),
  );
  const restart = item(
    t('Restart the device at the end'),
    t('Without it, much takes effect only after you have restarted it'),
  );
  const picked = await vscode.window.showQuickPick([system, settings, others, restart], {
    title: t('Restore to {0}: what is restored', name),
    placeHolder: t('Finder does all of this. Go on with OK'),
    canPickMany: true,
    ignoreFocusOut: true,
  });
  if (!picked) return undefined;
  return {
    systemFiles: picked.includes(system),
    keepSettings: !picked.includes(settings),
    removeOthers: picked.includes(others),
    restart: picked.includes(restart),
  };
}
