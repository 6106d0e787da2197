import type { BackupTree, TreeEntry } from './backupTree';

/** Entries that are kept at most; they take some 200 bytes each. What is beyond is read again. */
const MAX_ENTRIES = 100_000;

/** A tree that two look through one after the other, while nobody changes it. */
export interface RememberedTree {
  /** For the first, who checks it. */
  readonly first: BackupTree;
  /** For the second: what the first has seen, once each; and from the disk what it has not. */
  readonly second: BackupTree;
}

/** Saves the second look at every file: on a small backup it takes a fifth of the whole run. */
export function rememberTree(tree: BackupTree, maxEntries = MAX_ENTRIES): RememberedTree {
  const seen = new Map<string, readonly TreeEntry[]>();
  let count = 0;
  const keyOf = (folder: readonly string[]) => folder.join('/');
  return {
    first: {
      async entries(folder) {
        const entries = await tree.entries(folder);
        const key = keyOf(folder);
        if (!seen.has(key) && count + entries.length <= maxEntries) {
          seen.set(key, entries);
          count += entries.length;
        }
        return entries;
      },
    },
    second: {
      async entries(folder) {
        const key = keyOf(folder);
        const known = seen.get(key);
        if (!known) return tree.entries(folder);
        seen.delete(key);
        return known;
      },
    },
  };
}
