import { AppError, isAppError } from '../../base/errors';
import { isPlistError } from '../../plist';
import type { ByteSource } from '../format/byteSource';
import { ReadOnlyDatabase, type Row, sqlText } from '../format/readOnlyDatabase';
import { WalSource } from '../format/walSource';
import { columnDate } from './appleTime';
import { contentKind, SNIFF_LENGTH } from './contentKind';
import type { Cell, CellContent, ColumnInfo, RowsPage, RowsQuery, TableInfo } from './databaseTypes';
import type { OpenedBackup } from './openedBackup';
import { plistText } from './plistText';

/** Bytes or characters of a value shown in a table. */
const SHOWN = 400;
/** Bytes of a value shown alone. */
const MAX_VALUE = 8 << 20;
const MAX_ROWS = 500;
/** A page of a table is there well before; a view that computes without end is not. */
const STATEMENT_MS = 8000;
/** A count is left out sooner: a quarter of that. */
const COUNT_SHARE = 4;

/** A SQLite database inside a backup, with its write-ahead log, for people to look at. */
export class DatabaseReader {
  readonly #db: ReadOnlyDatabase;
  /** Pages that came from the write-ahead log. */
  readonly logPages: number;

  readonly #statementMs: number;

  private constructor(db: ReadOnlyDatabase, logPages: number, statementMs: number) {
    this.#db = db;
    this.logPages = logPages;
    this.#statementMs = statementMs;
  }

  /**
   * @param statementMs Milliseconds after which a statement is ended.
   * @throws AppError `fileNotFound`, `fileDamaged`, `backupDamaged` if it is no database
   */
  static async open(
    backup: OpenedBackup,
    domain: string,
    relativePath: string,
    statementMs = STATEMENT_MS,
  ): Promise<DatabaseReader> {
    const { file } = backup.stat(domain, relativePath);
    if (!file) throw new AppError('fileNotFound', `${domain}/${relativePath} is no file`);
    let source: ByteSource = backup.openContent(file);
    let logPages = 0;
    const log = openLog(backup, domain, `${relativePath}-wal`);
    if (log) {
      const merged = new WalSource(source, log);
      source = merged;
      logPages = merged.pages;
    }
    return new DatabaseReader(await ReadOnlyDatabase.open(source), logPages, statementMs);
  }

  close(): void {
    this.#db.close();
  }

  /** @throws AppError `backupDamaged` */
  tables(): readonly TableInfo[] {
    const sql =
      "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name";
    return [...this.#rows(sql)].map(([name, type, text]) => this.#table(sqlText(name), type === 'view', sqlText(text)));
  }

  /** @throws AppError `backupDamaged` if the table cannot be read, `fileNotFound` if there is none */
  page(query: RowsQuery): RowsPage {
    const { table, offset, sort } = query;
    const columns = this.#columns(table);
    const limit = Math.min(MAX_ROWS, Math.max(1, Math.floor(query.limit)));
    const shown = columns.flatMap(({ name }) => {
      const column = quoted(name);
      const long = `typeof(${column}) IN ('text', 'blob') AND length(${column}) > ${SHOWN}`;
      return [
        `CASE WHEN ${long} THEN substr(${column}, 1, ${SHOWN}) ELSE ${column} END`,
        `CASE WHEN ${long} THEN length(${column}) END`,
      ];
    });
    const { where, parameters } = filterOf(query.filter, columns);
    if (sort && !columns.some(({ name }) => name === sort.column))
      throw new AppError('fileNotFound', `no column ${sort.column}`);
    const order = sort ? ` ORDER BY ${quoted(sort.column)}${sort.descending ? ' DESC' : ''}` : '';
    const sql = `SELECT ${shown.join(', ')} FROM ${quoted(table)}${where}${order} LIMIT ? OFFSET ?`;
    const found = [...this.#rows(sql, [...parameters, limit + 1, Math.max(0, Math.floor(offset))])];
    return {
      columns: columns.map(({ name }) => name),
      rows: found.slice(0, limit).map((row) => columns.map((column, index) => toCell(row, index, column))),
      more: found.length > limit,
    };
  }

  /** One value in full; `row` counts from the start of the table, sorted and filtered as in the query. */
  cell(query: Omit<RowsQuery, 'limit' | 'offset'>, row: number, column: string): CellContent {
    const columns = this.#columns(query.table);
    if (!columns.some(({ name }) => name === column)) throw new AppError('fileNotFound', `no column ${column}`);
    const { where, parameters } = filterOf(query.filter, columns);
    const order = query.sort ? ` ORDER BY ${quoted(query.sort.column)}${query.sort.descending ? ' DESC' : ''}` : '';
    const name = quoted(column);
    const sql = `SELECT CASE WHEN typeof(${name}) IN ('text', 'blob') THEN substr(${name}, 1, ${MAX_VALUE}) ELSE ${name} END FROM ${quoted(query.table)}${where}${order} LIMIT 1 OFFSET ?`;
    this.#db.limitTime(this.#statementMs);
    const value = this.#db.first(sql, [...parameters, row])?.[0];
    if (!(value instanceof Uint8Array))
      return { kind: 'text', text: value === null || value === undefined ? 'NULL' : sqlText(value) };
    return blobContent(value);
  }

  /** Rows of any statement, ended when they take too long. */
  *#rows(sql: string, parameters: readonly (string | number)[] = []): Generator<Row> {
    this.#db.limitTime(this.#statementMs);
    yield* this.#db.rows(sql, parameters);
  }

  #table(name: string, view: boolean, sql: string): TableInfo {
    const kind = view ? 'view' : 'table';
    try {
      const columns = this.#columns(name);
      const rows = view ? undefined : this.#count(name);
      return { name, kind, columns, sql, ...(rows === undefined ? {} : { rows }) };
    } catch (error) {
      if (!isAppError(error)) throw error;
      return { name, kind, columns: [], sql, problem: error.message };
    }
  }

  #count(table: string): number | undefined {
    this.#db.limitTime(this.#statementMs / COUNT_SHARE);
    try {
      return Number(this.#db.first(`SELECT count(*) FROM ${quoted(table)}`)?.[0] ?? 0);
    } catch (error) {
      if (isAppError(error, 'backupDamaged')) return undefined;
      throw error;
    }
  }

  #columns(table: string): readonly ColumnInfo[] {
    const rows = [...this.#rows('SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1', [table])];
    if (rows.length === 0) throw new AppError('fileNotFound', `no table ${table}`);
    return rows.map(([name, type, key]) => ({
      name: sqlText(name),
      type: sqlText(type),
      primaryKey: Number(key) > 0,
    }));
  }

  /** Every table's rows for a search or a text, values of at most `length` bytes. A table that cannot be read is passed over. */
  *allRows(
    length: number,
  ): Generator<{ readonly table: string; readonly columns: readonly string[]; readonly row: Row }> {
    for (const { name, kind, columns, problem } of this.tables()) {
      if (kind === 'view' || problem !== undefined || columns.length === 0) continue;
      const names = columns.map((column) => column.name);
      const values = names.map((one) => {
        const column = quoted(one);
        return `CASE WHEN typeof(${column}) IN ('text', 'blob') THEN substr(${column}, 1, ${length}) ELSE ${column} END`;
      });
      this.#db.limitTime(Infinity);
      try {
        for (const row of this.#db.rows(`SELECT ${values.join(', ')} FROM ${quoted(name)}`)) {
          yield { table: name, columns: names, row };
        }
      } catch (error) {
        if (!isAppError(error, 'backupDamaged')) throw error;
      }
    }
  }
}

function openLog(backup: OpenedBackup, domain: string, relativePath: string): ByteSource | undefined {
  try {
    const { file } = backup.stat(domain, relativePath);
    return file?.kind === 'file' ? backup.openContent(file) : undefined;
  } catch (error) {
    // Without its log the database shows an earlier state, which is better than nothing.
    if (isAppError(error)) return undefined;
    throw error;
  }
}

/** @returns the SQL and its parameters: columns are compared as text, whatever they hold. */
function filterOf(
  filter: string | undefined,
  columns: readonly ColumnInfo[],
): { readonly where: string; readonly parameters: string[] } {
  if (filter === undefined || filter === '') return { where: '', parameters: [] };
  const pattern = `%${filter.replace(/[\\%_]/g, '\\$&')}%`;
  const parts = columns.map(({ name }) => `${quoted(name)} LIKE ? ESCAPE '\\'`);
  return { where: ` WHERE (${parts.join(' OR ')})`, parameters: columns.map(() => pattern) };
}

function toCell(row: Row, index: number, { name, type }: ColumnInfo): Cell {
  const value = row[index * 2];
  const length = row[index * 2 + 1];
  if (value === null || value === undefined) return { kind: 'null' };
  if (typeof value === 'string') {
    return { kind: 'text', text: value, ...(typeof length === 'number' ? { length } : {}) };
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    const date = columnDate(name, type, Number(value));
    return { kind: 'number', text: String(value), ...(date ? { date: date.toISOString() } : {}) };
  }
  const bytes = bytesOf(value);
  return {
    kind: 'blob',
    content: contentKind(bytes.subarray(0, SNIFF_LENGTH)),
    length: typeof length === 'number' ? length : bytes.length,
    hex: bytes.toString('hex', 0, 32),
  };
}

function blobContent(value: Uint8Array): CellContent {
  const bytes = bytesOf(value);
  switch (contentKind(bytes.subarray(0, SNIFF_LENGTH))) {
    case 'plist':
      try {
        return { kind: 'plist', text: plistText(bytes), length: bytes.length };
      } catch (error) {
        if (!isPlistError(error)) throw error;
        return { kind: 'hex', text: hexDump(bytes), length: bytes.length };
      }
    case 'picture':
      return { kind: 'picture', bytes: new Uint8Array(bytes) };
    case 'text':
      return { kind: 'text', text: bytes.toString('utf8') };
    default:
      return { kind: 'hex', text: hexDump(bytes), length: bytes.length };
  }
}

const MAX_DUMP = 64 << 10;

/** `00000000  62 70 6c 69 73 74 30 30  d4 01 02 03 04 05 06 07  bplist00........` */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, MAX_DUMP); at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const digits = part.map((byte, index) => byte.toString(16).padStart(2, '0') + (index === 7 ? ' ' : '')).join(' ');
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${digits.padEnd(48)}  ${text}`);
  }
  if (bytes.length > MAX_DUMP) lines.push(`… ${bytes.length} bytes in all`);
  return lines.join('\n');
}

function bytesOf(value: Exclude<Row[number], null | string | number | bigint>): Buffer {
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
