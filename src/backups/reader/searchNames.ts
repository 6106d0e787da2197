import { throwIfAborted } from '../../base/abort';
import type { Manifest, ManifestName } from '../format/manifest';

export interface NameMatch extends ManifestName {
  readonly domain: string;
}

const TURN = 200;

/**
 * Files and folders whose domain and path contain `text`; letters match whatever their case (ASCII only, as SQLite folds
 * it). Several words must all be contained, in any order.
 * @throws AppError `cancelled`, `backupDamaged`
 */
export async function* searchNames(manifest: Manifest, text: string, signal?: AbortSignal): AsyncGenerator<NameMatch> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return;
  let found = 0;
  for (const match of manifest.matchNames(words)) {
    yield match;
    if (++found % TURN === 0) {
      throwIfAborted(signal);
      await new Promise(setImmediate);
    }
  }
}
