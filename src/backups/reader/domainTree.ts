import type { BackupFile } from '../format/backupFile';
import { type DomainNames, isPlainPath, splitPath, type TreeChild } from './domainNames';

export interface TreeRow {
  readonly relativePath: string;
  readonly kind: BackupFile['kind'];
}

/** The folders of one domain, built from its rows' paths, which come in no order. */
export class DomainTree implements DomainNames {
  /** Rows whose path cannot be shown: `..`, empty parts, or a file where another row needs a folder. */
  readonly refused: readonly TreeRow[];
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

  get kept(): number {
    return this.size;
  }

  children(folder: string): readonly TreeChild[] | undefined {
    const names = this.#folders.get(folder);
    return names && [...names].map(([name, kind]) => ({ name, kind }));
  }

  find(relativePath: string): TreeChild | undefined {
    const { parent, name } = splitPath(relativePath);
    const kind = this.#folders.get(parent)?.get(name);
    return kind && { name, kind };
  }

  #add({ relativePath, kind }: TreeRow): boolean {
    if (relativePath === '') return kind === 'directory';
    if (!isPlainPath(relativePath)) return false;
    const { parent, name } = splitPath(relativePath);
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
    const { parent, name } = splitPath(relativePath);
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

/** A part of a string keeps the whole in memory: a name would cost as much as its path. */
function ownCopy(name: string): string {
  return name.length < 13 ? name : Buffer.from(name, 'utf8').toString('utf8');
}
