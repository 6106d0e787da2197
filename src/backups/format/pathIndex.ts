import type { BackupFile } from './backupFile';
import { kindOfFlags } from './backupFile';
import type { ReadOnlyDatabase } from './readOnlyDatabase';

/** Rows up to this number are counted in bits: 8 MB. Devices number them from 1 on. */
const MAX_ROW = 64 << 20;

/** A set of rows, one bit each. */
export class RowSet {
  readonly #bits: Uint8Array;
  size = 0;

  /** @param last The greatest row that can be in it. */
  constructor(last: number) {
    this.#bits = new Uint8Array((last >> 3) + 1);
  }

  add(row: number): void {
    const [index, bit] = [row >> 3, 1 << (row & 7)];
    const bits = this.#bits[index];
    if (bits === undefined || bits & bit) return;
    this.#bits[index] = bits | bit;
    this.size++;
  }

  has(row: number): boolean {
    return ((this.#bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
}

/** A row at which a scan of paths stands; good until the scan goes on. */
export interface PathRow {
  readonly row: number;
  /** Undefined where the path is no text. */
  path(): string | undefined;
}

/**
 * The paths of a Manifest.db in their order, from the index of paths alone: a folder of a domain with half a million files
 * is listed without a visit to their rows. A device makes the three indices that this takes.
 */
export class PathIndex {
  readonly #db: ReadOnlyDatabase;
  readonly #last: number;
  #others: ReadonlyMap<NonNullable<BackupFile['kind']> | 'none', RowSet> | undefined;

  private constructor(db: ReadOnlyDatabase, last: number) {
    this.#db = db;
    this.#last = last;
  }

  /** Undefined where an index is missing or of another kind, or rows have numbers that no device gives. */
  static of(db: ReadOnlyDatabase): PathIndex | undefined {
    const ordinary = `
      SELECT count(DISTINCT i.name) FROM pragma_index_list('Files') l JOIN pragma_index_xinfo(l.name) i
      WHERE i.seqno = 0 AND i.name IN ('domain', 'relativePath', 'flags')
      AND i.coll = 'BINARY' AND i."desc" = 0 AND l.partial = 0`;
    if (db.first(ordinary)?.[0] !== 3) return undefined;
    const hasRows = db.first("SELECT wr FROM pragma_table_list('Files') WHERE schema = 'main' AND type = 'table'");
    if (hasRows?.[0] !== 0) return undefined;
    const [first, last] = db.first('SELECT min(rowid), max(rowid) FROM Files') ?? [];
    if (typeof first !== 'number' || typeof last !== 'number' || first < 0 || last > MAX_ROW) return undefined;
    return new PathIndex(db, last);
  }

  get rows(): number {
    return this.#last;
  }

  /** Whether a domain has more rows than so many; quick. */
  isLarger(domain: string, than: number): boolean {
    return this.#db.first('SELECT 1 FROM Files WHERE domain = ? LIMIT 1 OFFSET ?', [domain, than]) !== undefined;
  }

  rowsOf(domain: string): RowSet {
    const set = new RowSet(this.#last);
    for (const row of this.#db.scan('SELECT rowid FROM Files WHERE domain = ?', [domain])) set.add(row.number(0));
    return set;
  }

  /** What a row's flags say; undefined for nothing that can be shown. */
  kindOf(row: number): BackupFile['kind'] | undefined {
    // All but some are files.
    for (const [kind, set] of (this.#others ??= this.#readOthers())) {
      if (set.has(row)) return kind === 'none' ? undefined : kind;
    }
    return 'file';
  }

  /** Rows of all domains, in the order of their paths' UTF-8. @param to Not with it; undefined: to the end. */
  *range(from: string, to: string | undefined): Generator<PathRow> {
    const [bound, parameters] = to === undefined ? ['', [from]] : [' AND relativePath < ?', [from, to]];
    const sql = `SELECT rowid, relativePath FROM Files WHERE relativePath >= ?${bound} ORDER BY relativePath`;
    for (const cursor of this.#db.scan(sql, parameters)) {
      yield { row: cursor.number(0), path: () => cursor.text(1) };
    }
  }

  #readOthers(): ReadonlyMap<BackupFile['kind'] | 'none', RowSet> {
    const sets = new Map<BackupFile['kind'] | 'none', RowSet>();
    for (const condition of ['flags < 1', 'flags > 1', 'flags IS NULL']) {
      for (const row of this.#db.scan(`SELECT rowid, flags FROM Files WHERE ${condition}`)) {
        const kind = kindOfFlags(row.number(1)) ?? 'none';
        if (kind === 'file') continue;
        const set = sets.get(kind) ?? new RowSet(this.#last);
        sets.set(kind, set);
        set.add(row.number(0));
      }
    }
    return sets;
  }
}
