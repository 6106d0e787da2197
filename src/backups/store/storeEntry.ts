import type { StoreEntry } from '../../device';
import type { DirectoryEntryStat } from './fileSystem';

/** What a device is told of an entry on the disk; it knows no links. */
export function storeEntry(entry: DirectoryEntryStat): StoreEntry {
  return {
    name: entry.name,
    type: entry.type === 'link' ? 'other' : entry.type,
    sizeBytes: entry.sizeBytes,
    modified: new Date(entry.modifiedMs),
  };
}
