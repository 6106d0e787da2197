import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { RetentionPolicy } from '../backups';

/** Read late, never kept: a change holds from the next question on. */
export interface Settings {
  /** Absolute folder that backups of this device go to. */
  readonly folderFor: (udid: string) => string;
  /** Every folder whose backups are listed, the system's own aside. */
  readonly listedFolders: readonly string[];
  /** Empty: the environment, else the platform's usual place. */
  readonly socketAddress: string;
  /** Days; 0: nobody wants to be reminded. */
  readonly reminderDays: number;
}

const SECTION = 'iosBackup';

export function settings(): Settings {
  const folder = absolute(trusted('folder')) ?? defaultFolder();
  const deviceFolders = record(trusted('deviceFolders'));
  const more = trusted('moreFolders');
  const moreFolders: readonly unknown[] = Array.isArray(more) ? more : [];
  const ofDevices = Object.values(deviceFolders).map(absolute);
  const listed = [folder, ...ofDevices, ...moreFolders.map(absolute)].filter((one) => one !== undefined);
  return {
    folderFor: (udid) => absolute(deviceFolders[udid]) ?? folder,
    listedFolders: [...new Set(listed)],
    socketAddress: text(trusted('socketAddress')).trim(),
    reminderDays: days(trusted('reminderDays')),
  };
}

/** Minutes after which an opened backup that nobody uses is locked; 0: never. */
export function lockAfterMinutes(): number {
  const value = trusted('lockAfterMinutes');
  return typeof value === 'number' && Number.isFinite(value) ? Math.min(24 * 60, Math.max(0, value)) : 15;
}

/** How many versions to keep; undefined: all of them. */
export function keepVersions(): RetentionPolicy | undefined {
  const rules = record(trusted('keepVersions'));
  const count = (name: keyof RetentionPolicy) => {
    const value = rules[name];
    return typeof value === 'number' && Number.isInteger(value) && value > 0 ? { [name]: Math.min(value, 1000) } : {};
  };
  const policy: RetentionPolicy = { ...count('last'), ...count('daily'), ...count('weekly'), ...count('monthly') };
  return Object.keys(policy).length > 0 ? policy : undefined;
}

/** What every backup of this device is asked with. */
export function backUpRequest(udid: string): {
  readonly udid: string;
  readonly folder: string;
  readonly keep?: RetentionPolicy;
} {
  const keep = keepVersions();
  return { udid, folder: settings().folderFor(udid), ...(keep && { keep }) };
}

export function defaultFolder(): string {
  return path.join(os.homedir(), 'iOS Backups');
}

export function onSettingsChanged(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(SECTION)) listener();
  });
}

/** `undefined` restores the default. */
export async function setFolder(udid: string | undefined, folder: string | undefined): Promise<void> {
  const configuration = vscode.workspace.getConfiguration(SECTION);
  if (udid === undefined) {
    await configuration.update('folder', folder, vscode.ConfigurationTarget.Global);
    return;
  }
  const folders: Record<string, unknown> = { ...record(trusted('deviceFolders')) };
  if (folder === undefined) delete folders[udid];
  else folders[udid] = folder;
  await configuration.update('deviceFolders', folders, vscode.ConfigurationTarget.Global);
}

export async function turnRemindersOff(): Promise<void> {
  await vscode.workspace.getConfiguration(SECTION).update('reminderDays', 0, vscode.ConfigurationTarget.Global);
}

/**
 * The user's own value: a workspace must not be able to redirect a backup, whatever its settings file says. Typed by
 * hand, so it can be anything.
 */
function trusted(name: string): unknown {
  const found = vscode.workspace.getConfiguration(SECTION).inspect(name);
  return found?.globalValue ?? found?.defaultValue;
}

function absolute(folder: unknown): string | undefined {
  const expanded = text(folder)
    .trim()
    .replace(/^~(?=$|[\\/])/, os.homedir());
  return path.isAbsolute(expanded) ? path.normalize(expanded) : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function days(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
