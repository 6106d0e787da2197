import type { Manifest, ManifestName } from '../format/manifest';
import { Turns } from './turns';

export interface NameMatch extends ManifestName {
  readonly domain: string;
}

/**
 * Files and folders whose domain and path contain `text`, whatever the case of its letters. Several words must all be
 * contained, in any order.
 * @throws AppError `cancelled`, `backupDamaged`
 */
export async function* searchNames(manifest: Manifest, text: string, signal?: AbortSignal): AsyncGenerator<NameMatch> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return;
  const turns = new Turns(signal);
  for (const match of manifest.matchNames(words)) {
    if (match) yield match;
    await turns.next();
  }
}
