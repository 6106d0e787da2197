import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { BackupSummary, FolderState } from '../../backups/types';
import type { DeviceInfo, TrustState } from '../../device/types';
import { modelName } from '../../texts/deviceModels';
import { formatBytes, formatDateTime, formatPercent } from '../../texts/format';
import { stageText } from '../../texts/stages';
import { systemVersion } from '../../texts/systemVersion';
import type { BackedUpDeviceNode, DeviceNode, TreeNode } from './nodes';

/** Draws a node. Pure: same node, same item. */
export function treeItem(node: TreeNode): vscode.TreeItem {
  switch (node.kind) {
    case 'device':
      return deviceItem(node);
    case 'backedUpDevice':
      return backedUpDeviceItem(node);
    case 'backup':
      return backupItem(node.backup);
    case 'folder':
      return folderItem(node.folder);
  }
}

function deviceItem(node: DeviceNode): vscode.TreeItem {
  const { device, job } = node;
  const { identity, details } = device;
  const name = identity?.name ?? device.udid;
  const item = new vscode.TreeItem(name);
  const percent = job?.progress.fraction;
  const trust = trustText(device.trust);
  const state = job
    ? [stageText(job.progress.stage), percent === undefined ? '' : formatPercent(percent)].filter(Boolean).join(' ')
    : trust;
  const facts = identity
    ? [modelName(identity.productType), systemVersion(identity.deviceClass, identity.productVersion)]
    : [];
  const battery = details?.battery && t('Battery {0}', formatPercent(details.battery.percent / 100));
  const wireless = device.connections.includes('usb') ? undefined : t('Wi-Fi');
  item.id = `device:${device.udid}`;
  item.description = (state ? [state] : [...facts, battery, wireless]).filter(Boolean).join(' · ');
  item.tooltip = [name, ...facts, battery, wireless, trust, device.udid].filter(Boolean).join('\n');
  item.iconPath = deviceIcon(device, job !== undefined);
  item.contextValue = flags('device', {
    busy: job !== undefined,
    trusted: device.trust.kind === 'trusted',
    untrusted: device.trust.kind !== 'trusted' && device.trust.kind !== 'unknown',
    encrypted: details?.backup.willEncrypt === true,
    unencrypted: details?.backup.willEncrypt === false,
  });
  item.accessibilityInformation = {
    label: [name, state ?? t('connected'), ...facts, battery].filter(Boolean).join(', '),
  };
  item.command = { command: 'iosBackup.openDevice', title: t('Open Device Page'), arguments: [node] };
  return item;
}

function deviceIcon({ trust, details }: DeviceInfo, busy: boolean): vscode.ThemeIcon {
  if (busy) return new vscode.ThemeIcon('sync~spin');
  switch (trust.kind) {
    case 'trusted':
      return new vscode.ThemeIcon(details?.locked ? 'lock' : 'device-mobile');
    case 'unknown':
    case 'waitingForTrust':
      return new vscode.ThemeIcon('device-mobile');
    default:
      return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  }
}

/** What stands between this computer and the device; undefined when nothing does. */
export function trustText(trust: TrustState): string | undefined {
  switch (trust.kind) {
    case 'trusted':
      return undefined;
    case 'unknown':
      return t('Connecting');
    case 'untrusted':
      return t('Not trusted yet');
    case 'waitingForTrust':
      return t('Tap Trust on the device');
    case 'locked':
      return t('Unlock the device');
    case 'denied':
      return t('Trust was declined');
    case 'forbidden':
      return t('Pairing is not allowed');
    case 'stale':
      return t('Has forgotten this computer');
    case 'wrongKey':
      return t('Not the device that was trusted');
    case 'failed':
      return t('Could not be trusted');
  }
}

function backedUpDeviceItem({ key, name, backups }: BackedUpDeviceNode): vscode.TreeItem {
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Expanded);
  const [newest] = backups;
  item.id = `backups:${key}`;
  item.description = newest?.productType ? modelName(newest.productType) : '';
  item.iconPath = new vscode.ThemeIcon('device-mobile');
  item.contextValue = flags('backedUpDevice', {});
  item.tooltip = [name, item.description, newest?.udid].filter(Boolean).join('\n');
  return item;
}

function backupItem(backup: BackupSummary): vscode.TreeItem {
  const date = backup.date ? formatDateTime(backup.date) : backup.path;
  const item = new vscode.TreeItem(backup.label ?? date);
  const state = stateText(backup);
  const size = backup.size ? formatBytes(backup.size.bytes) : undefined;
  const freed = backup.size ? t('{0} would be free without it', formatBytes(backup.size.freed)) : undefined;
  const deviceClass = backup.productType?.startsWith('iPad') ? 'iPad' : undefined;
  const version = backup.productVersion ? systemVersion(deviceClass, backup.productVersion) : undefined;
  const role = backup.role === 'version' ? t('earlier version') : undefined;
  const encrypted = backup.encrypted ? t('encrypted') : t('not encrypted');
  item.id = `backup:${backup.path}`;
  item.description = [backup.label ? date : undefined, state, size, version, role].filter(Boolean).join(' · ');
  item.tooltip = [date, backup.label, state, size, freed, version, encrypted, role, backup.path]
    .filter(Boolean)
    .join('\n');
  item.iconPath = backupIcon(backup);
  item.contextValue = flags('backup', {
    [backup.role]: true,
    [backup.state]: true,
    encrypted: backup.encrypted,
  });
  item.accessibilityInformation = {
    label: [backup.label, date, state, size, version, encrypted, role].filter(Boolean).join(', '),
  };
  return item;
}

function backupIcon({ state, encrypted }: BackupSummary): vscode.ThemeIcon {
  if (state === 'damaged') return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  if (state === 'unfinished') return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  return new vscode.ThemeIcon(encrypted ? 'lock' : 'archive');
}

function stateText({ state }: BackupSummary): string | undefined {
  switch (state) {
    case 'finished':
      return undefined;
    case 'unfinished':
      return t('interrupted');
    case 'damaged':
      return t('damaged');
  }
}

function folderItem(folder: FolderState): vscode.TreeItem {
  const item = new vscode.TreeItem(folder.path);
  item.id = `folder:${folder.path}`;
  item.description = folderText(folder);
  item.tooltip = `${folder.path}\n${item.description ?? ''}`;
  item.iconPath = new vscode.ThemeIcon(folder.state === 'offline' ? 'debug-disconnect' : 'warning');
  item.contextValue = flags('folder', { [folder.state]: true });
  return item;
}

function folderText({ state }: FolderState): string {
  switch (state) {
    case 'ready':
      return '';
    case 'missing':
      return t('not there');
    case 'offline':
      return t('disk not connected');
    case 'noPermission':
      return t('no permission to read it');
    case 'error':
      return t('cannot be read');
  }
}

/** `device;trusted;` – matched in package.json with `viewItem =~ /^device;.*;trusted;/`. */
function flags(kind: string, set: Readonly<Record<string, boolean>>): string {
  return [kind, '', ...Object.keys(set).filter((name) => set[name]), ''].join(';');
}
