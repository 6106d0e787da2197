import path from 'node:path';
import initSqlite from '@sqlite.org/sqlite-wasm';
import wasmFile from '@sqlite.org/sqlite-wasm/sqlite3.wasm';

/** A real SQLite database with one table of `rows` rows and an index, as its file would be. */
export async function sqliteBytes(rows = 200): Promise<Buffer> {
  const init = initSqlite as (options: object) => ReturnType<typeof initSqlite>;
  const sqlite = await init({ locateFile: () => path.resolve(__dirname, wasmFile), print() {}, printErr() {} });
  const db = new sqlite.oo1.DB(':memory:');
  try {
    db.exec(
      'CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT NOT NULL); CREATE INDEX message_text ON message(text)',
    );
    db.exec('BEGIN');
    for (let row = 0; row < rows; row++)
      db.exec({ sql: 'INSERT INTO message (text) VALUES (?)', bind: [`message ${row} ${'x'.repeat(row % 90)}`] });
    db.exec('COMMIT');
    return Buffer.from(sqlite.capi.sqlite3_js_db_export(db));
  } finally {
    db.close();
  }
}
