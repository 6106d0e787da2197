import { createHash } from 'node:crypto';
import path from 'node:path';
import { type ManifestPlist, readManifestPlist } from '../format/manifestPlist';
import type { FileSystem } from '../store/fileSystem';
import type { FoundSidecar } from '../store/findSidecar';
import { readSmallFile } from '../store/smallFiles';

const MAX_PLIST_BYTES = 64 << 20;

/**
 * Manifest.plist as it was when the backup was finished: our second copy if it is what it was then, else the backup's
 * own, which may be damaged. Undefined if neither can be read.
 */
export async function readSoundManifestPlist(
  fileSystem: FileSystem,
  backup: string,
  sidecar: FoundSidecar | undefined,
): Promise<ManifestPlist | undefined> {
  if (sidecar) {
    const file = path.join(sidecar.path, 'Manifest.plist');
    const bytes = await readSmallFile(fileSystem, file, MAX_PLIST_BYTES).catch(() => undefined);
    const print = bytes && createHash('sha256').update(bytes).digest('hex');
    if (print !== undefined && print === sidecar.meta.prints.manifest) {
      const plist = await readManifestPlist(sidecar.path).catch(() => undefined);
      if (plist) return plist;
    }
  }
  return readManifestPlist(backup).catch(() => undefined);
}
