import { findSidecar, type FoundSidecar, listSidecars } from '../store/findSidecar';
import type { FileSystem } from '../store/fileSystem';
import { readPrints } from '../store/sidecar';
import path from 'node:path';

/**
 * The sidecar of a backup, even if both its Status.plist and its Manifest.plist are damaged: every run of a device
 * replaces the index, so an index that is the same file still, untouched, belongs to the same backup.
 */
export async function findSidecarOfDamaged(fileSystem: FileSystem, backup: string): Promise<FoundSidecar | undefined> {
  const found = await findSidecar(fileSystem, backup);
  if (found) return found;
  const { database } = await readPrints(fileSystem, backup);
  if (!database) return undefined;
  for (const sidecar of await listSidecars(fileSystem, path.dirname(backup))) {
    const known = sidecar.meta.prints.database;
    const same = known?.inode === database.inode && known.modifiedMs === database.modifiedMs;
    if (same && known.size === database.size && known.file === database.file) return sidecar;
  }
  return undefined;
}
