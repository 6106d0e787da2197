import type { BackupFile } from '../format/backupFile';
import type { PathIndex, RowSet } from '../format/pathIndex';
import { type DomainNames, isPlainName, isPlainPath, splitPath, type TreeChild } from './domainNames';

/** Rows below a folder that are passed one by one before the scan begins anew behind it: that costs as much as so many. */
const PASSED = 24;

/**
 * The names of a large domain, looked up as they are asked for: nothing but a bit a row is kept. A row says what its path
 * is; where there are rows below a file, those are not shown.
 */
export class IndexedDomain implements DomainNames {
  readonly kept = 0;
  readonly #index: PathIndex;
  readonly #rows: RowSet;

  constructor(index: PathIndex, domain: string) {
    this.#index = index;
    this.#rows = index.rowsOf(domain);
  }

  get size(): number {
    return this.#rows.size;
  }

  children(folder: string): readonly TreeChild[] | undefined {
    if (!this.#isFolder(folder)) return undefined;
    const found = new Map<string, BackupFile['kind']>();
    for (let from: string | undefined = folder === '' ? '' : `${folder}/`; from !== undefined;) {
      from = this.#collect(folder, from, found);
    }
    return [...found].map(([name, kind]) => ({ name, kind }));
  }

  find(relativePath: string): TreeChild | undefined {
    if (!isPlainPath(relativePath)) return undefined;
    const { parent, name } = splitPath(relativePath);
    const own = this.#ownKind(relativePath);
    if (own === undefined && !this.#hasBelow(relativePath)) return undefined;
    return this.#hasFileAbove(parent) ? undefined : { name, kind: own ?? 'directory' };
  }

  /** Scans from a path on. @returns where to begin anew, behind what need not be looked at; undefined at the end. */
  #collect(folder: string, from: string, found: Map<string, BackupFile['kind']>): string | undefined {
    const start = folder === '' ? 0 : folder.length + 1;
    const end = folder === '' ? undefined : `${folder}0`;
    let passed = 0;
    let below = '';
    for (const one of this.#index.range(from, end)) {
      const isMember = this.#rows.has(one.row);
      // A path that is not read costs a third.
      if (!isMember && ++passed < PASSED) continue;
      const path = one.path();
      if (path === undefined) continue;
      const slash = path.indexOf('/', start);
      const name = path.slice(start, slash < 0 ? undefined : slash);
      if (slash < 0) {
        const kind = isMember ? this.#index.kindOf(one.row) : undefined;
        if (kind && isPlainName(name)) found.set(name, kind);
        passed = 0;
        continue;
      }
      if (name !== below) {
        below = name;
        if (isMember) passed = 0;
      }
      if (isMember && !found.has(name) && isPlainName(name) && this.#index.kindOf(one.row))
        found.set(name, 'directory');
      if (isMember && ++passed < PASSED) continue;
      // Text that is no UTF-8 does not lead back to where it came from.
      if (!isPlainName(name) || path.includes('\ufffd')) continue;
      if (!found.has(name) && this.#hasBelow(path.slice(0, slash))) found.set(name, 'directory');
      // `0` is what follows `/`.
      return `${path.slice(0, slash)}0`;
    }
    return undefined;
  }

  #isFolder(path: string): boolean {
    if (path === '') return true;
    if (!isPlainPath(path)) return false;
    const own = this.#ownKind(path);
    if (own !== undefined ? own !== 'directory' : !this.#hasBelow(path)) return false;
    return !this.#hasFileAbove(splitPath(path).parent);
  }

  /** Whether one of the folders on the way is none. */
  #hasFileAbove(path: string): boolean {
    for (let at = path; at !== ''; at = splitPath(at).parent) {
      const own = this.#ownKind(at);
      if (own !== undefined && own !== 'directory') return true;
    }
    return false;
  }

  /** What a row of its own says; undefined without one. */
  #ownKind(path: string): BackupFile['kind'] | undefined {
    for (const one of this.#index.range(path, `${path}\0`)) {
      if (this.#rows.has(one.row)) {
        const kind = this.#index.kindOf(one.row);
        if (kind) return kind;
      }
    }
    return undefined;
  }

  #hasBelow(path: string): boolean {
    for (const { row } of this.#index.range(`${path}/`, `${path}0`)) {
      if (this.#rows.has(row) && this.#index.kindOf(row)) return true;
    }
    return false;
  }
}
