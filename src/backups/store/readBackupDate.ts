import path from 'node:path';
import { getOptionalDate, parsePlist } from '../../plist';
import type { FileSystem } from './fileSystem';
import { readSmallFile } from './smallFiles';

/** When a backup was made, as Status.plist says; else when its folder changed last. */
export async function readBackupDate(fileSystem: FileSystem, backup: string): Promise<Date> {
  try {
    const bytes = await readSmallFile(fileSystem, path.join(backup, 'Status.plist'), 1024 * 1024);
    const status = bytes && parsePlist(bytes);
    const date = status instanceof Map ? getOptionalDate(status, 'Date') : undefined;
    // Finder's names have four digits for the year.
    if (date && date.getFullYear() >= 1970 && date.getFullYear() < 10_000) return date;
  } catch {
    // A damaged one is put aside like any other.
  }
  return new Date((await fileSystem.stat(backup)).modifiedMs);
}
