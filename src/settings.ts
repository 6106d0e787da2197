import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';

/** Read late, never kept: a change holds from the next question on. */
export interface Settings {
  /** Absolute folder that backups of this device go to. */
  folderFor(udid: string): string;
  /** Every folder whose backups are listed, the system's own aside. */
  readonly listedFolders: readonly string[];
  /** Empty: the environment, else the platform's usual place. */
  readonly socketAddress: string;
}

const SECTION = 'iosBackup';

export function settings(): Settings {
  const folder = absolute(trusted<string>('folder') ?? '') ?? defaultFolder();
  const deviceFolders = trusted<Readonly<Record<string, string>>>('deviceFolders') ?? {};
  const moreFolders = trusted<readonly string[]>('moreFolders') ?? [];
  const ofDevices = Object.values(deviceFolders).map(absolute);
  const listed = [folder, ...ofDevices, ...moreFolders.map(absolute)].filter((one) => one !== undefined);
  return {
    folderFor: (udid) => absolute(deviceFolders[udid] ?? '') ?? folder,
    listedFolders: [...new Set(listed)],
    socketAddress: (trusted<string>('socketAddress') ?? '').trim(),
  };
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
  const folders = { ...trusted<Readonly<Record<string, string>>>('deviceFolders') };
  if (folder === undefined) delete folders[udid];
  else folders[udid] = folder;
  await configuration.update('deviceFolders', folders, vscode.ConfigurationTarget.Global);
}

/** The user's own value: a workspace must not be able to redirect a backup, whatever its settings file says. */
function trusted<T>(name: string): T | undefined {
  const found = vscode.workspace.getConfiguration(SECTION).inspect<T>(name);
  return found?.globalValue ?? found?.defaultValue;
}

function absolute(folder: unknown): string | undefined {
  if (typeof folder !== 'string' || folder.trim() === '') return undefined;
  const expanded = folder.replace(/^~(?=$|[\\/])/, os.homedir());
  return path.isAbsolute(expanded) ? path.normalize(expanded) : undefined;
}
