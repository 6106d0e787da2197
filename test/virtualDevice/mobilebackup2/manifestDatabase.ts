import { buildIndex, TableBuilder } from './sqlite/btreeBuilder';
import { PageFile, PAGE_SIZE, POINTER } from './sqlite/pageFile';
import { encodeRecord, type SqlValue } from './sqlite/record';
import { TableReader } from './sqlite/tableReader';

/** One row of Files. */
export interface ManifestRow {
  /** 40 hex digits. */
  readonly fileId: string;
  readonly domain: string;
  readonly relativePath: string;
  readonly flags: number;
  /** The record; decodeFileRecord() reads it. */
  readonly file: Buffer;
}

const FIRST_ROOT = 3;
const schema: readonly (readonly [type: string, name: string, table: string, sql: string | null])[] = [
  [
    'table',
    'Files',
    'Files',
    'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)',
  ],
  ['index', 'sqlite_autoindex_Files_1', 'Files', null],
  ['index', 'FilesDomainIdx', 'Files', 'CREATE INDEX FilesDomainIdx ON Files(domain)'],
  ['index', 'FilesRelativePathIdx', 'Files', 'CREATE INDEX FilesRelativePathIdx ON Files(relativePath)'],
  ['index', 'FilesFlagsIdx', 'Files', 'CREATE INDEX FilesFlagsIdx ON Files(flags)'],
  ['table', 'Properties', 'Properties', 'CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB)'],
  ['index', 'sqlite_autoindex_Properties_1', 'Properties', null],
];

/** Writes Manifest.db row by row: a real SQLite file with the schema, settings and header that iOS leaves. */
export class ManifestDatabaseWriter {
  readonly #file = new PageFile();
  readonly #table: TableBuilder;
  readonly #fileIds: string[] = [];
  readonly #domains: string[] = [];
  readonly #paths: string[] = [];
  readonly #flags: number[] = [];

  constructor() {
    for (let index = 0; index < schema.length; index++) {
      this.#file.setPointer(this.#file.allocate(), POINTER.root, 0);
    }
    this.#table = new TableBuilder(this.#file, FIRST_ROOT);
  }

  /** `row.file` may be a view that is used again afterwards. */
  add(row: ManifestRow): void {
    this.#table.add(encodeRecord([row.fileId, row.domain, row.relativePath, row.flags, row.file]));
    this.#fileIds.push(row.fileId);
    this.#domains.push(row.domain);
    this.#paths.push(row.relativePath);
    this.#flags.push(row.flags);
  }

  get rows(): number {
    return this.#fileIds.length;
  }

  finish(): PageFile {
    this.#table.finish();
    this.#index(1, this.#fileIds, compareCodeUnits);
    this.#index(2, this.#domains, comparerFor(this.#domains));
    this.#index(3, this.#paths, comparerFor(this.#paths));
    this.#index(4, this.#flags, (a, b) => a - b);
    const properties = new TableBuilder(this.#file, FIRST_ROOT + 5);
    properties.finish();
    buildIndex(this.#file, FIRST_ROOT + 6, [], 0);
    writeFirstPage(this.#file);
    return this.#file;
  }

  #index<T extends SqlValue>(position: number, keys: readonly T[], compare: (a: T, b: T) => number): void {
    const order = new Uint32Array(keys.length);
    for (let index = 0; index < order.length; index++) order[index] = index;
    // Equal keys follow in the order of their rows.
    order.sort((a, b) => compare(keys[a] as T, keys[b] as T) || a - b);
    const pair: SqlValue[] = ['', 0];
    function* records() {
      for (const row of order) {
        pair[0] = keys[row] as T;
        pair[1] = row + 1;
        yield encodeRecord(pair);
      }
    }
    buildIndex(this.#file, FIRST_ROOT + position, records(), order.length);
  }
}

/** The rows of Manifest.db. Rows that iOS marks as not its own (domain or record missing) are passed over. */
export function* readManifestRows(database: Buffer): Generator<ManifestRow> {
  for (const [fileId, domain, relativePath, flags, file] of new TableReader(database).rows('Files')) {
    if (typeof fileId !== 'string' || typeof domain !== 'string' || typeof relativePath !== 'string') continue;
    if (!Buffer.isBuffer(file)) continue;
    yield { fileId, domain, relativePath, flags: Number(flags), file };
  }
}

function writeFirstPage(file: PageFile): void {
  const page = file.page(1);
  page.write('SQLite format 3\0', 0, 'latin1');
  page.writeUInt16BE(PAGE_SIZE, 16);
  page[18] = 2; // Written and read in WAL mode, as iOS leaves it.
  page[19] = 2;
  page[21] = 64;
  page[22] = 32;
  page[23] = 32;
  page.writeUInt32BE(1, 24); // Change counter.
  page.writeUInt32BE(file.count, 28);
  page.writeUInt32BE(schema.length, 40); // Schema cookie.
  page.writeUInt32BE(4, 44); // Schema format.
  page.writeUInt32BE(FIRST_ROOT + schema.length - 1, 52); // Largest root page: not 0 means auto_vacuum.
  page.writeUInt32BE(1, 56); // UTF-8.
  page.writeUInt32BE(2, 60); // user_version.
  page.writeUInt32BE(1, 92); // Change counter that the next number was valid for.
  page.writeUInt32BE(3_039_005, 96);
  let end = PAGE_SIZE;
  for (const [index, [type, name, table, sql]] of schema.entries()) {
    const record = encodeRecord([type, name, table, FIRST_ROOT + index, sql]);
    const header = record.length < 0x80 ? [record.length] : [0x80 | (record.length >> 7), record.length & 0x7f];
    const cell = Buffer.concat([Buffer.from([...header, index + 1]), record]);
    end -= cell.length;
    cell.copy(page, end);
    page.writeUInt16BE(end, 108 + index * 2);
  }
  page[100] = 0x0d;
  page.writeUInt16BE(schema.length, 103);
  page.writeUInt16BE(end, 105);
}

function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** SQLite compares UTF-8 bytes. JavaScript's order is the same unless there are characters beyond U+FFFF. */
function comparerFor(keys: readonly string[]): (a: string, b: string) => number {
  if (!keys.some((key) => /[\ud800-\udfff]/.test(key))) return compareCodeUnits;
  return (a, b) => {
    if (a === b) return 0;
    for (let index = 0; ; index++) {
      const left = a.charCodeAt(index);
      const right = b.charCodeAt(index);
      if (left === right) continue;
      if (Number.isNaN(left)) return -1;
      if (Number.isNaN(right)) return 1;
      return rank(left) - rank(right);
    }
  };
}

/** Surrogates sort behind all other units, as their characters do in UTF-8. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
