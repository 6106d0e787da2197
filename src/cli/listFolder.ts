import { AppError } from '../base/errors';
import type { BackupSummary } from '../backups';
import type { EngineClient } from '../engine/client';

/**
 * The backups in one folder, newest first.
 * @throws AppError `folderMissing`, `folderOffline`, `noPermission`, `diskError`.
 */
export async function listFolder(
  client: EngineClient,
  folder: string,
  signal: AbortSignal,
): Promise<readonly BackupSummary[]> {
  const catalogue = await client.call('watchFolders', { folders: [folder] }, { signal });
  const state = catalogue.folders.find(({ path }) => path === folder)?.state ?? 'missing';
  const codes = {
    missing: 'folderMissing',
    offline: 'folderOffline',
    noPermission: 'noPermission',
    error: 'diskError',
  };
  if (state !== 'ready') {
    const code = codes[state] as AppError['code'];
    throw new AppError(code, `${folder}: ${state}`, { details: { path: folder } });
  }
  return catalogue.backups.filter(({ root }) => root === folder);
}
