import path from 'node:path';

/** Of process.env, and the home folder. */
export interface SystemFolderSources {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where Finder, iTunes and Apple Devices keep backups, whether the folders are there or not. None on Linux. */
export function systemFolders({ platform, home, environment }: SystemFolderSources): readonly string[] {
  if (platform === 'darwin') return [path.posix.join(home, 'Library/Application Support/MobileSync/Backup')];
  if (platform !== 'win32') return [];
  const roaming = environment.APPDATA ?? path.win32.join(home, 'AppData\\Roaming');
  return [
    path.win32.join(roaming, 'Apple Computer\\MobileSync\\Backup'), // iTunes from apple.com
    path.win32.join(environment.USERPROFILE ?? home, 'Apple\\MobileSync\\Backup'), // from the Store, and Apple Devices
    path.win32.join(roaming, 'Apple\\MobileSync\\Backup'), // seen in reports
  ];
}
