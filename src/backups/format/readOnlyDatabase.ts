import path from 'node:path';
import initSqlite, {
  type Database,
  type PreparedStatement,
  type Sqlite3Result,
  type Sqlite3Static,
  type SqlValue,
  type WasmPointer,
} from '@sqlite.org/sqlite-wasm';
import wasmFile from '@sqlite.org/sqlite-wasm/sqlite3.wasm';
import { AppError } from '../../base/errors';
import type { ByteSource } from './byteSource';

const VFS = 'byte-source';
/** Header bytes 18 and 19 say 2 for WAL, which SQLite will not open without a folder to write in; the pages are the same. */
const FORMAT_VERSIONS = 18;
const ROLLBACK_JOURNAL = 1;
/** A page is 64 KiB at most; values beyond this are refused rather than taken into memory. */
const MAX_VALUE_LENGTH = 64 << 20;

/** Steps of SQLite's machine between two looks at the clock: well below a millisecond. */
const STEPS_BETWEEN_LOOKS = 10_000;

export type Row = readonly SqlValue[];

/** A value that should be text; empty for bytes and for none. */
export function sqlText(value: SqlValue | undefined): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}

/**
 * A SQLite database read through a ByteSource: nothing is written anywhere, no journal is looked for, and what is in it
 * cannot run: triggers, views with side effects, loadable code and attached files are off.
 */
export class ReadOnlyDatabase {
  readonly #sqlite: Sqlite3Static;
  readonly #db: Database;
  readonly #close: () => void;
  readonly #kept = new Map<string, KeptStatement>();
  #isClosed = false;
  /** Milliseconds on the clock after which a statement is ended; Infinity without. */
  #deadline = Infinity;

  private constructor(sqlite: Sqlite3Static, db: Database, close: () => void) {
    this.#sqlite = sqlite;
    this.#db = db;
    this.#close = close;
  }

  /**
   * @param source Closed with the database, also when opening fails.
   * @throws AppError `backupDamaged` if it is no database.
   */
  static async open(source: ByteSource): Promise<ReadOnlyDatabase> {
    const sqlite = await loadSqlite();
    const name = `/${nextSource++}`;
    sources.set(name, source);
    const close = () => {
      sources.delete(name);
      source.close();
    };
    let db: Database | undefined;
    try {
      db = new sqlite.oo1.DB({ filename: name, flags: 'r', vfs: VFS });
      const { capi } = sqlite;
      capi.sqlite3_db_config(db, capi.SQLITE_DBCONFIG_DEFENSIVE, 1, 0);
      capi.sqlite3_db_config(db, capi.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, 0);
      capi.sqlite3_db_config(db, capi.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, 0);
      capi.sqlite3_limit(db, capi.SQLITE_LIMIT_LENGTH, MAX_VALUE_LENGTH);
      capi.sqlite3_limit(db, capi.SQLITE_LIMIT_ATTACHED, 0);
      db.exec('PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384');
      db.selectValue('SELECT count(*) FROM sqlite_schema');
      const opened = new ReadOnlyDatabase(sqlite, db, close);
      const late = () => (Date.now() > opened.#deadline ? 1 : 0);
      capi.sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, late, 0);
      return opened;
    } catch (error) {
      db?.close();
      close();
      throw notADatabase(error);
    }
  }

  /**
   * Runs one statement row by row; leaving the loop early ends it. Values are SQLite's own: integers beyond 2^53 are bigint.
   * @throws AppError `backupDamaged` if the database cannot be read.
   */
  *rows(sql: string, parameters: readonly SqlValue[] = []): Generator<Row> {
    let statement: PreparedStatement | undefined;
    try {
      statement = this.#db.prepare(sql);
      if (parameters.length > 0) statement.bind([...parameters]);
      while (statement.step()) yield valuesOf(statement);
    } catch (error) {
      throw error instanceof AppError ? error : notADatabase(error);
    } finally {
      statement?.finalize();
    }
  }

  /**
   * Like rows(), for a million of them: every time the same object, which reads a column only when it is asked for it.
   * @throws AppError `backupDamaged` if the database cannot be read.
   */
  *scan(sql: string, parameters: readonly SqlValue[] = []): Generator<RowCursor> {
    const kept = this.#take(sql);
    try {
      const { statement, cursor } = kept;
      if (parameters.length > 0) statement.bind([...parameters]);
      for (let code = cursor.step(); code !== SQLITE_DONE; code = cursor.step()) {
        if (code !== SQLITE_ROW) this.#sqlite.oo1.DB.checkRc(this.#db, code);
        yield cursor;
      }
    } catch (error) {
      throw error instanceof AppError ? error : notADatabase(error);
    } finally {
      this.#giveBack(sql, kept);
    }
  }

  /**
   * Statements begun from now on end with an error after so many milliseconds of work: views and virtual tables of an
   * unknown database can run for ever.
   */
  limitTime(milliseconds: number): void {
    this.#deadline = Date.now() + milliseconds;
  }

  /** The first row, if there is one. The statement is kept for the next time: looking up single rows is quick. */
  first(sql: string, parameters: readonly SqlValue[] = []): Row | undefined {
    const kept = this.#take(sql);
    try {
      const { statement } = kept;
      if (parameters.length > 0) statement.bind([...parameters]);
      return statement.step() ? valuesOf(statement) : undefined;
    } catch (error) {
      throw error instanceof AppError ? error : notADatabase(error);
    } finally {
      this.#giveBack(sql, kept);
    }
  }

  /** A statement that nobody else is using. @throws AppError `backupDamaged` */
  #take(sql: string): KeptStatement {
    const kept = this.#kept.get(sql);
    this.#kept.delete(sql);
    if (kept) return kept;
    try {
      const statement = this.#db.prepare(sql);
      const { pointer } = statement;
      if (pointer === undefined) throw new Error('a statement without text');
      return { statement, cursor: new RowCursor(this.#sqlite, pointer) };
    } catch (error) {
      throw notADatabase(error);
    }
  }

  /** Keeps a statement for the next time. After an error the reset gives that error once more. */
  #giveBack(sql: string, kept: KeptStatement): void {
    try {
      kept.statement.reset(true);
    } catch {
      kept.statement.finalize();
      return;
    }
    if (this.#isClosed || this.#kept.has(sql) || this.#kept.size >= MAX_KEPT) kept.statement.finalize();
    else this.#kept.set(sql, kept);
  }

  close(): void {
    for (const { statement } of this.#kept.values()) statement.finalize();
    this.#kept.clear();
    this.#isClosed = true;
    this.#db.close();
    this.#close();
  }
}

const MAX_KEPT = 16;

interface KeptStatement {
  readonly statement: PreparedStatement;
  readonly cursor: RowCursor;
}

const SQLITE_ROW = 100;
const SQLITE_DONE = 101;
/** sqlite3_column_type() */
const TEXT = 3;
const BLOB = 4;

/** SQLite's own functions, without the conversions that the package puts around them: those take most of the time. */
interface StatementFunctions {
  sqlite3_step(statement: WasmPointer): number;
  sqlite3_column_type(statement: WasmPointer, column: number): number;
  sqlite3_column_double(statement: WasmPointer, column: number): number;
  sqlite3_column_text(statement: WasmPointer, column: number): WasmPointer;
  sqlite3_column_blob(statement: WasmPointer, column: number): WasmPointer;
  sqlite3_column_bytes(statement: WasmPointer, column: number): number;
}

/** The row at which scan() stands. What it gives is good until scan() goes on. */
export class RowCursor {
  readonly #functions: StatementFunctions;
  readonly #wasm: Sqlite3Static['wasm'];
  readonly #statement: WasmPointer;

  constructor({ wasm }: Sqlite3Static, statement: WasmPointer) {
    this.#functions = wasm.exports as StatementFunctions;
    this.#wasm = wasm;
    this.#statement = statement;
  }

  step(): number {
    return this.#functions.sqlite3_step(this.#statement);
  }

  isText(column: number): boolean {
    return this.#type(column) === TEXT;
  }

  /** Undefined for what is no text. */
  text(column: number): string | undefined {
    if (this.#type(column) !== TEXT) return undefined;
    const start = Number(this.#functions.sqlite3_column_text(this.#statement, column));
    return this.#view(start, this.#functions.sqlite3_column_bytes(this.#statement, column)).toString('utf8');
  }

  /** A view of SQLite's memory; undefined for what is no blob. */
  blob(column: number): Buffer | undefined {
    if (this.#type(column) !== BLOB) return undefined;
    const start = Number(this.#functions.sqlite3_column_blob(this.#statement, column));
    return this.#view(start, this.#functions.sqlite3_column_bytes(this.#statement, column));
  }

  /** 0 for what is none. */
  number(column: number): number {
    return this.#functions.sqlite3_column_double(this.#statement, column);
  }

  #type(column: number): number {
    return this.#functions.sqlite3_column_type(this.#statement, column);
  }

  #view(start: number, length: number): Buffer {
    // Asked for each time: its buffer is another one once SQLite needs more memory.
    return Buffer.from(this.#wasm.heap8u().buffer, start, length);
  }
}

function valuesOf(statement: PreparedStatement): Row {
  const row: SqlValue[] = [];
  for (let i = 0; i < statement.columnCount; i++) row.push(statement.get(i));
  return row;
}

const sources = new Map<string, ByteSource>();
let nextSource = 1;
let loading: Promise<Sqlite3Static> | undefined;

function loadSqlite(): Promise<Sqlite3Static> {
  return (loading ??= load());
}

async function load(): Promise<Sqlite3Static> {
  // The declared type takes no options; the module itself takes emscripten's.
  const init = initSqlite as (options: object) => Promise<Sqlite3Static>;
  const sqlite = await init({
    locateFile: () => path.resolve(__dirname, wasmFile),
    print: () => {},
    printErr: () => {},
  });
  // It prints failing statements on the console; they come as errors anyway.
  Object.assign(sqlite.config, { error() {}, warn() {}, debug() {}, log() {} });
  installVfs(sqlite);
  return sqlite;
}

/** Teaches SQLite to read a ByteSource. Files: read only, immutable, never locked. Everything that would write fails. */
function installVfs(sqlite: Sqlite3Static): void {
  const { capi, wasm } = sqlite;
  const open = new Map<number | bigint, ByteSource>();
  const io = new capi.sqlite3_io_methods();
  const vfs = new capi.sqlite3_vfs();
  // The declared types lack some of the members that the structs have.
  const { structInfo } = capi.sqlite3_file as unknown as { readonly structInfo: { readonly sizeof: number } };
  Object.assign(io, { $iVersion: 1 });
  Object.assign(vfs, { $iVersion: 1, $szOsFile: structInfo.sizeof, $mxPathname: 64 });
  sqlite.vfs.installVfs({
    io: {
      struct: io,
      methods: {
        xClose: (file) => {
          open.delete(file);
          return 0;
        },
        xRead: (file, target, amount, offset64) => {
          const source = open.get(file);
          if (!source) return capi.SQLITE_IOERR_READ;
          const offset = Number(offset64);
          const start = Number(target);
          const heap = wasm.heap8u().subarray(start, start + amount);
          try {
            const count = source.read(heap, offset);
            for (let at = FORMAT_VERSIONS; at < FORMAT_VERSIONS + 2; at++) {
              const index = at - offset;
              if (index >= 0 && index < count && heap[index] === 2) heap[index] = ROLLBACK_JOURNAL;
            }
            if (count === amount) return 0;
            heap.fill(0, count);
            return capi.SQLITE_IOERR_SHORT_READ;
          } catch {
            return capi.SQLITE_IOERR_READ;
          }
        },
        xWrite: () => capi.SQLITE_READONLY,
        xTruncate: () => capi.SQLITE_READONLY,
        xSync: () => 0,
        xFileSize: (file, target) => {
          wasm.poke(target, open.get(file)?.size ?? 0, 'i64');
          return 0;
        },
        xLock: () => 0,
        xUnlock: () => 0,
        xCheckReservedLock: (_file, target) => {
          wasm.poke(target, 0, 'i32');
          return 0;
        },
        xFileControl: () => capi.SQLITE_NOTFOUND,
        xSectorSize: () => 4096 as Sqlite3Result,
        xDeviceCharacteristics: () => capi.SQLITE_IOCAP_IMMUTABLE as number as Sqlite3Result,
      },
    },
    vfs: {
      struct: vfs,
      name: VFS,
      methods: {
        xOpen: (_vfs, name, file, _flags, outFlags) => {
          const source = name ? sources.get(wasm.cstrToJs(name) ?? '') : undefined;
          if (!source) return capi.SQLITE_CANTOPEN;
          open.set(file, source);
          const opened = new capi.sqlite3_file(file);
          opened.$pMethods = io.pointer ?? 0;
          opened.dispose();
          if (outFlags) wasm.poke(outFlags, capi.SQLITE_OPEN_READONLY, 'i32');
          return 0;
        },
        xDelete: () => capi.SQLITE_IOERR_DELETE,
        xAccess: (_vfs, _name, _flags, target) => {
          wasm.poke(target, 0, 'i32');
          return 0;
        },
        xFullPathname: (_vfs, name, length, target) =>
          wasm.cstrncpy(target, name, length) < length ? 0 : capi.SQLITE_CANTOPEN,
        xRandomness: (_vfs, length, target) => {
          wasm.heap8u().fill(4, Number(target), Number(target) + length);
          return length as Sqlite3Result;
        },
        xSleep: () => 0,
        xCurrentTime: (_vfs, target) => {
          wasm.poke(target, 2440587.5 + Date.now() / 86_400_000, 'f64');
          return 0;
        },
        xGetLastError: () => 0,
      },
    },
  });
}

function notADatabase(cause: unknown): AppError {
  return new AppError(
    'backupDamaged',
    `not a readable database: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      cause,
    },
  );
}
