import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'mocha';
import { isAppError } from '../../../../src/base/errors';
import { DatabaseReader } from '../../../../src/backups/reader/databaseReader';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { readableText } from '../../../../src/backups/reader/readableText';
import { searchContents } from '../../../../src/backups/reader/searchContents';
import { makeBackup } from '../../../support/madeBackup';

const DOMAIN = 'AppDomain-com.example.notes';
const DATABASE = 'Documents/Notes.sqlite';
const PLIST = 'Library/Preferences/com.example.notes.plist';
const TEXT = 'Documents/readme.txt';
/** Far less than a person waits, and enough for a page of any table. */
const STATEMENT_MS = 50;

const VIEWS = [
  ['endless', 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n'],
  ['growing', "WITH RECURSIVE n(x) AS (SELECT 'x' UNION ALL SELECT x || x FROM n) SELECT max(length(x)) AS x FROM n"],
  ['product', 'SELECT count(*) AS x FROM big a, big b, big c, big d'],
  ['bomb', 'SELECT zeroblob(2000000000) AS x'],
  ['circle', 'SELECT * FROM circle'],
  ['missing', 'SELECT * FROM nowhere'],
  ['writes', "SELECT load_extension('/tmp/x.so') AS x"],
] as const;

describe('hostile contents of a backup', () => {
  let folder: string;
  let backup: OpenedBackup;

  const stored = (relativePath: string) => {
    const id = createHash('sha1').update(`${DOMAIN}-${relativePath}`).digest('hex');
    return path.join(folder, id.slice(0, 2), id);
  };
  before(async function () {
    this.timeout(60_000);
    folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'hostile-')), 'backup');
    makeBackup(folder, '--plain');
    const program = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('CREATE TABLE good (a)')
db.executemany('INSERT INTO good VALUES (?)', [['row %d' % i] for i in range(10)])
db.execute('CREATE TABLE big (a)')
db.executemany('INSERT INTO big VALUES (?)', [[i] for i in range(3000)])
db.execute('CREATE TRIGGER gone AFTER INSERT ON good BEGIN DELETE FROM good; END')
for name, sql in json.load(sys.stdin): db.execute('CREATE VIEW %s AS %s' % (name, sql))
db.execute('PRAGMA writable_schema=ON')
db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE broken (((' WHERE name = 'none'")
db.commit()`;
    fs.rmSync(stored(DATABASE));
    fs.rmSync(stored(`${DATABASE}-wal`));
    execFileSync('/usr/bin/python3', ['-c', program, stored(DATABASE)], { input: JSON.stringify(VIEWS) });
    backup = await OpenedBackup.open(folder);
  });
  after(() => {
    backup.close();
    fs.rmSync(path.dirname(folder), { recursive: true });
  });
  const restIsThere = async () => assert.match(await readableText(backup, DOMAIN, TEXT), /Line one/);

  test('views that never end, grow or go in circles are ended; the tables are there', async () => {
    const database = await DatabaseReader.open(backup, DOMAIN, DATABASE, STATEMENT_MS);
    try {
      assert.deepEqual(
        database
          .tables()
          .map(({ name }) => name)
          .sort(),
        ['big', 'good', ...VIEWS.map(([name]) => name)].sort(),
      );
      for (const [table] of VIEWS) {
        const query = { table, offset: 0, limit: 10 };
        assert.throws(() => database.page(query), { name: 'AppError' }, table);
        assert.throws(() => database.cell(query, 0, 'x'), { name: 'AppError' }, table);
        // The same connection goes on.
        assert.equal(database.page({ table: 'good', offset: 0, limit: 100 }).rows.length, 10, `good after ${table}`);
      }
      // A sort and a filter that would take for ever end as well.
      const slow = { table: 'product', offset: 0, limit: 1, filter: 'x' };
      assert.throws(() => database.page(slow), { name: 'AppError' });
    } finally {
      database.close();
    }
    await restIsThere();
  });

  test('a search passes over views, and finds what is in the tables', async () => {
    const found: string[] = [];
    for await (const { excerpt } of searchContents(backup, 'row 7', { domain: DOMAIN })) found.push(excerpt);
    assert.equal(found.length, 1);
  });

  test('a database that claims more pages than there are, and one with pages in a circle', async () => {
    const whole = fs.readFileSync(stored(DATABASE));
    try {
      const many = Buffer.from(whole);
      many.writeUInt32BE(0xfffffffe, 28);
      const circle = Buffer.from(whole);
      // Each page's bytes are those of the first table's root: every pointer leads back.
      for (let page = 2; page * 4096 < circle.length; page++) whole.copy(circle, page * 4096, 4096, 8192);
      const cut = whole.subarray(0, 5000);
      for (const bytes of [many, circle, cut]) {
        fs.writeFileSync(stored(DATABASE), bytes);
        try {
          const database = await DatabaseReader.open(backup, DOMAIN, DATABASE, STATEMENT_MS);
          try {
            for (const { name } of database.tables()) {
              try {
                database.page({ table: name, offset: 0, limit: 100 });
              } catch (error) {
                assert.ok(isAppError(error), String(error));
              }
            }
          } finally {
            database.close();
          }
        } catch (error) {
          assert.ok(isAppError(error), String(error));
        }
        await restIsThere();
      }
    } finally {
      fs.writeFileSync(stored(DATABASE), whole);
    }
  });

  test('property lists that contain themselves, or unfold to millions, give an error or a bounded text', async () => {
    const whole = fs.readFileSync(stored(PLIST));
    // The only object is an array of one: itself.
    const circle = Buffer.concat([
      Buffer.from('bplist00\xa1\x00\x08', 'latin1'),
      Buffer.from([0, 0, 0, 0, 0, 0, 1, 1]),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]),
    ]);
    // Forty arrays, each of two references to the next: 2^40 leaves.
    const depth = 40;
    const objects = Array.from({ length: depth }, (_, index) => Buffer.from([0xa2, index + 1, index + 1]));
    const body = Buffer.concat([Buffer.from('bplist00'), ...objects, Buffer.from([0x09])]);
    const trailer = Buffer.alloc(32);
    trailer.writeUInt8(1, 6);
    trailer.writeUInt8(1, 7);
    trailer.writeUInt32BE(depth + 1, 12);
    trailer.writeUInt32BE(body.length, 28);
    const offsets = Buffer.from(Array.from({ length: depth + 1 }, (_, index) => 8 + index * 3));
    const billion = Buffer.concat([body, offsets, trailer]);
    const entities = Buffer.from(
      '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' +
        '<plist version="1.0"><string>&b;&b;</string></plist>',
    );
    try {
      for (const bytes of [circle, billion, entities]) {
        fs.writeFileSync(stored(PLIST), bytes);
        try {
          assert.ok((await readableText(backup, DOMAIN, PLIST)).length < 8 << 20);
        } catch (error) {
          assert.ok(isAppError(error) || (error as Error).name === 'PlistError', String(error));
        }
        await restIsThere();
      }
    } finally {
      fs.writeFileSync(stored(PLIST), whole);
    }
  });
});
