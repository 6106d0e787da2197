import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { BackupSummary } from '../backups/types';
import { AppError } from '../base/errors';
import { isOlderRelease } from '../base/iosVersion';
import type { DeviceInfo } from '../device/types';
import { modelName } from '../texts/deviceModels';
import { systemVersion } from '../texts/systemVersion';
import { formatBytes, formatDateTime, formatRelative } from '../texts/format';
import type { TreeNode } from '../views/tree/nodes';
import { deviceName } from './chooseDevice';

interface BackupItem extends vscode.QuickPickItem {
  readonly backup?: BackupSummary;
}

/**
 * The clicked backup; else the one the person picks, the newest complete one of the device first.
 * @returns undefined if the picker was closed.
 * @throws AppError `notABackup` if there is no complete one
 */
export async function chooseBackupToRestore(
  app: App,
  node: TreeNode | undefined,
  device: DeviceInfo,
): Promise<BackupSummary | undefined> {
  if (node?.kind === 'backup') return node.backup;
  const offered = node?.kind === 'backedUpDevice' ? node.backups : (app.engine.state?.catalogue.backups ?? []);
  const finished = offered.filter(({ state }) => state === 'finished');
  if (finished.length === 0) throw new AppError('notABackup', `${offered.length} backups, none of them is complete`);
  const own = finished.filter(({ udid }) => isSame(udid, device.udid));
  const others = finished.filter(({ udid }) => !isSame(udid, device.udid));
  const picked = await vscode.window.showQuickPick<BackupItem>(
    [
      ...section(t('Of this device'), own, device),
      ...section(
        own.length > 0 ? t('Of other devices') : t('Of other devices; there is none of this one'),
        others,
        device,
      ),
    ],
    {
      title: t('Restore to {0}: choose a backup', deviceName(device)),
      placeHolder: t('The newest complete backup comes first'),
      matchOnDescription: true,
      matchOnDetail: true,
      ignoreFocusOut: true,
    },
  );
  return picked?.backup;
}

function section(label: string, backups: readonly BackupSummary[], device: DeviceInfo): BackupItem[] {
  if (backups.length === 0) return [];
  const items = backups.map((backup) => ({
    label: `${backup.encrypted ? '$(lock)' : '$(archive)'} ${backupName(backup)}`,
    description: backup.date ? formatRelative(backup.date) : '',
    detail: [...backupFacts(backup), compatibility(backup, device), backup.path].filter(Boolean).join(' · '),
    backup,
  }));
  return [{ label, kind: vscode.QuickPickItemKind.Separator }, ...items];
}

/** `Ann’s iPhone, 3 May 2024, 12:00`, or the person's own name for it. */
export function backupName({ label, deviceName: name, date, path }: BackupSummary): string {
  return [label ?? name ?? path, date && formatDateTime(date)].filter(Boolean).join(', ');
}

/** Model, iOS version, size and whether it is encrypted, as far as they are known. */
export function backupFacts({ productType, productVersion, size, encrypted }: BackupSummary): readonly string[] {
  const facts = [
    productType && modelName(productType),
    productVersion && systemVersion(productType?.startsWith('iPad') ? 'iPad' : undefined, productVersion),
    size && formatBytes(size.bytes),
    encrypted ? t('encrypted') : t('not encrypted'),
  ];
  return facts.filter((fact) => fact !== undefined);
}

function compatibility({ productVersion }: BackupSummary, { identity }: DeviceInfo): string {
  return identity && productVersion && isOlderRelease(identity.productVersion, productVersion)
    ? t('needs an update of the device to {0}', productVersion)
    : '';
}

function isSame(one: string | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}
