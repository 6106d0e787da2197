import { systemCode } from '../store/diskErrors';
import type { FolderState } from '../types';

const OFFLINE = new Set([
  'ENODEV',
  'ENXIO',
  'EIO',
  'ENOTCONN',
  'ESTALE',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ESHUTDOWN',
  'ECONNREFUSED',
]);

/** Where systems put disks that come and go. */
const ELSEWHERE: Partial<Record<NodeJS.Platform, RegExp>> = {
  darwin: /^\/Volumes\/[^/]+/,
  linux: /^(?:\/media\/|\/run\/media\/|\/mnt\/|\/run\/user\/\d+\/gvfs\/)/,
};

/**
 * What a folder's failure means. Only a real readdir() tells: on macOS the mode bits allow what privacy control refuses.
 * @param rootThere Whether the root of its volume answers; false for an unplugged drive letter
 */
export function folderStateOf(
  error: unknown,
  folder: string,
  rootThere: boolean,
  platform = process.platform,
): FolderState['state'] {
  const code = systemCode(error) ?? '';
  if (code === 'EPERM' || code === 'EACCES') return 'noPermission';
  if (OFFLINE.has(code)) return 'offline';
  if (code !== 'ENOENT') return 'error';
  if (platform === 'win32') return /^\\\\/.test(folder) || !rootThere ? 'offline' : 'missing';
  return ELSEWHERE[platform]?.test(folder) ? 'offline' : 'missing';
}
