import path from 'node:path';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { layoutOf } from './layout';
import { likeness, readPrints, readSidecarMeta, type SidecarMeta } from './sidecar';

export interface FoundSidecar {
  /** Its folder. */
  readonly path: string;
  readonly meta: SidecarMeta;
}

/** The sidecar that belongs to this backup, however it was renamed since; also if one of its plists is damaged. */
export async function findSidecar(fileSystem: FileSystem, backup: string): Promise<FoundSidecar | undefined> {
  const all = await listSidecars(fileSystem, path.dirname(backup));
  if (all.length === 0) return undefined;
  const prints = await readPrints(fileSystem, backup);
  const name = path.basename(backup);
  let best: FoundSidecar | undefined;
  let bestPoints = 0;
  for (const sidecar of all) {
    const points = likeness(sidecar.meta.prints, prints);
    // A name alone proves nothing: another program may have made a new backup under it.
    const total = points === 0 ? 0 : points + (sidecar.meta.name === name ? 0.5 : 0);
    if (total > bestPoints || (total === bestPoints && best && sidecar.meta.createdAt > best.meta.createdAt)) {
      best = sidecar;
      bestPoints = total;
    }
  }
  return best;
}

/** All sidecars of a folder of backups. */
export async function listSidecars(fileSystem: FileSystem, folder: string): Promise<readonly FoundSidecar[]> {
  const found: FoundSidecar[] = [];
  const root = path.dirname(layoutOf(folder).sidecars('any'));
  for (const udid of await subfolders(fileSystem, root)) {
    for (const id of await subfolders(fileSystem, path.join(root, udid))) {
      const sidecar = path.join(root, udid, id);
      const meta = await readSidecarMeta(fileSystem, sidecar).catch(() => undefined);
      if (meta) found.push({ path: sidecar, meta });
    }
  }
  return found;
}

async function subfolders(fileSystem: FileSystem, folder: string): Promise<readonly string[]> {
  try {
    return (await fileSystem.readDirectory(folder))
      .filter((entry) => entry.type === 'directory')
      .map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
