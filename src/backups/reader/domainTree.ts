import type { BackupFile } from '../format/backupFile';

/** A name in a folder of a domain. */
export interface TreeChild {
  readonly name: string;
  readonly kind: BackupFile['kind'];
}

export interface TreeRow {
  readonly relativePath: string;
  readonly kind: BackupFile['kind'];
}

/**
 * The folders of one domain, built from its rows' paths: rows come in no order, and parents may be missing. Names are the
 * device's: only their components `.`, `..` and empty ones are refused, since no file can have them.
 */
export class DomainTree {
  /** Rows whose path cannot be shown: `..`, empty parts, or a file where another row needs a folder. */
  readonly refused: readonly TreeRow[];
  /** Names in all its folders. */
  size = 0;
  readonly #folders = new Map<string, Map<string, BackupFile['kind']>>([['', new Map()]]);

  constructor(rows: Iterable<TreeRow>) {
    const refused: TreeRow[] = [];
    for (const row of rows) {
      this.size++;
      if (!this.#add(row)) refused.push(row);
    }
    this.refused = refused;
  }

  /** The children of a folder, `''` being the domain's root; undefined if it is none. */
  children(folder: string): readonly TreeChild[] | undefined {
    const names = this.#folders.get(folder);
    return names && [...names].map(([name, kind]) => ({ name, kind }));
  }

  find(relativePath: string): TreeChild | undefined {
    const { parent, name } = split(relativePath);
    const kind = this.#folders.get(parent)?.get(name);
    return kind && { name, kind };
  }

  isFolder(relativePath: string): boolean {
    return this.#folders.has(relativePath);
  }

  #add({ relativePath, kind }: TreeRow): boolean {
    if (relativePath === '') return kind === 'directory';
    if (!isPlainPath(relativePath)) return false;
    const { parent, name } = split(relativePath);
    const siblings = this.#folder(parent);
    if (!siblings) return false;
    const there = siblings.get(name);
    if (kind === 'directory') {
      if (there && there !== 'directory') return false;
      this.#folder(relativePath);
      siblings.set(ownCopy(name), kind);
      return true;
    }
    if (there) return false;
    siblings.set(ownCopy(name), kind);
    return true;
  }

  /** The folder's children, made on the way if its row has not come yet; undefined if a file stands in the way. */
  #folder(relativePath: string): Map<string, BackupFile['kind']> | undefined {
    const found = this.#folders.get(relativePath);
    if (found) return found;
    const { parent, name } = split(relativePath);
    const siblings = this.#folder(parent);
    if (!siblings) return undefined;
    const there = siblings.get(name);
    if (there && there !== 'directory') return undefined;
    if (!there) siblings.set(ownCopy(name), 'directory');
    const made = new Map<string, BackupFile['kind']>();
    this.#folders.set(relativePath, made);
    return made;
  }
}

/** Paths nest no deeper than this; a path of 1,024 bytes cannot have more parts. */
const MAX_DEPTH = 512;

function isPlainPath(relativePath: string): boolean {
  const parts = relativePath.split('/');
  return (
    parts.length <= MAX_DEPTH &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))
  );
}

/** A part of a string keeps the whole in memory: a name would cost as much as its path. */
function ownCopy(name: string): string {
  return name.length < 13 ? name : Buffer.from(name, 'utf8').toString('utf8');
}

function split(relativePath: string): { readonly parent: string; readonly name: string } {
  const slash = relativePath.lastIndexOf('/');
  return { parent: slash < 0 ? '' : relativePath.slice(0, slash), name: relativePath.slice(slash + 1) };
}
