import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { FileSource } from '../../../../src/backups/format/byteSource';
import { PathIndex } from '../../../../src/backups/format/pathIndex';
import { ReadOnlyDatabase } from '../../../../src/backups/format/readOnlyDatabase';
import type { DomainNames } from '../../../../src/backups/reader/domainNames';
import { DomainTree } from '../../../../src/backups/reader/domainTree';
import { IndexedDomain } from '../../../../src/backups/reader/indexedDomain';

type Row = readonly [domain: string, path: string, flags: number];

const TABLE = 'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)';
const INDICES = [
  'CREATE INDEX FilesDomainIdx ON Files(domain)',
  'CREATE INDEX FilesRelativePathIdx ON Files(relativePath)',
  'CREATE INDEX FilesFlagsIdx ON Files(flags)',
];

describe('IndexedDomain', () => {
  let folder: string;
  let db: ReadOnlyDatabase | undefined;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'names-'))));
  afterEach(() => {
    db?.close();
    fs.rmSync(folder, { recursive: true });
  });

  async function open(rows: readonly Row[], statements: readonly string[] = [TABLE, ...INDICES]) {
    const file = path.join(folder, 'Manifest.db');
    const program =
      'import json, sqlite3, sys\n' +
      'file, statements, rows = json.load(sys.stdin)\n' +
      'db = sqlite3.connect(file)\n' +
      'for one in statements: db.execute(one)\n' +
      'db.executemany("INSERT INTO Files VALUES (?,?,?,?,NULL)", [["%040x" % i, *row] for i, row in enumerate(rows)])\n' +
      'db.commit()';
    execFileSync('/usr/bin/python3', ['-c', program], { input: JSON.stringify([file, statements, rows]) });
    db = await ReadOnlyDatabase.open(new FileSource(file));
    return PathIndex.of(db);
  }
  const kinds = { 1: 'file', 2: 'directory', 4: 'link' } as const;
  const treeOf = (rows: readonly Row[], domain: string): DomainNames =>
    new DomainTree(
      rows.flatMap(([of, relativePath, flags]) =>
        of === domain ? [{ relativePath, kind: kinds[(flags & 7) as 1 | 2 | 4] }] : [],
      ),
    );
  const sorted = (names: DomainNames, at: string) =>
    names
      .children(at)
      ?.map(({ name, kind }) => `${name} ${kind}`)
      .sort();

  test('shows what reading every row shows, whatever lies beside it', async () => {
    // Names whose order among paths is not that of names, many below one folder, and other domains in between.
    const names = ['a', 'a-b', 'a.b', 'a b', 'a0', 'ä', '😀', 'B', '~', '%', '_'];
    const rows: Row[] = [['D', '', 2]];
    for (const [index, name] of names.entries()) {
      rows.push(['D', name, 2], ['Other', name, 1], ['D', `${name}/file`, 1]);
      for (let number = 0; number < 40; number++) {
        rows.push(['Other', `${name}/x${number}/y/z`, 1]);
        if (index % 2 === 0) rows.push(['D', `${name}/x${number}/deep/er`, number % 3 === 0 ? 4 : 1]);
      }
    }
    // Below a folder of others alone, and one that is ours deep down among them.
    for (let number = 0; number < 100; number++)
      rows.push(['Other', `theirs/${number}`, 1], ['Other', `mixed/${number}`, 1]);
    rows.push(['D', 'mixed/99x/ours', 1]);
    const index = await open(rows);
    assert.ok(index);
    const indexed = new IndexedDomain(index, 'D');
    const tree = treeOf(rows, 'D');
    assert.equal(indexed.size, tree.size);
    const folders = [''];
    for (const at of folders) {
      assert.deepEqual(sorted(indexed, at), sorted(tree, at), at);
      for (const { name, kind } of tree.children(at) ?? []) {
        const below = at === '' ? name : `${at}/${name}`;
        assert.deepEqual(indexed.find(below), { name, kind });
        if (kind === 'directory') folders.push(below);
        else assert.equal(indexed.children(below), undefined);
      }
    }
    assert.ok(folders.length > 200);
    for (const absent of ['theirs', 'theirs/1', 'nothing', 'a/x1/y', 'mixed/1']) {
      assert.equal(indexed.find(absent), undefined, absent);
      assert.equal(indexed.children(absent), undefined, absent);
    }
  });

  test('shows no name that a file cannot have, and nothing below a file', async () => {
    const rows: Row[] = [
      ['D', 'a/../b', 1],
      ['D', 'a//b', 1],
      ['D', './c', 1],
      ['D', 'file', 1],
      ['D', 'file/below', 1],
      ['D', 'file/below/more', 1],
      ['D', 'odd', 0],
      ['D', 'good/one', 1],
    ];
    const index = await open(rows);
    assert.ok(index);
    const indexed = new IndexedDomain(index, 'D');
    assert.deepEqual(sorted(indexed, ''), ['a directory', 'file file', 'good directory']);
    assert.deepEqual(sorted(indexed, 'a'), []);
    for (const none of ['a/..', 'a/../b', 'file/below', 'file/below/more', '..', '.', 'odd']) {
      assert.equal(indexed.find(none), undefined, none);
      assert.equal(indexed.children(none), undefined, none);
    }
  });

  test('comes to an end with paths that are no text', async () => {
    const file = path.join(folder, 'Manifest.db');
    const statements = [TABLE, ...INDICES];
    const program = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for one in json.load(sys.stdin): db.execute(one)
for i in range(200):
    db.execute("INSERT INTO Files VALUES (?, 'D', CAST(? AS TEXT), 1, NULL)", ('%040x' % i, b'\\xff/%d/x' % (i % 3)))
    db.execute("INSERT INTO Files VALUES (?, 'D', ?, 1, NULL)", ('%040x' % (i + 500), b'blob/%d' % i))
db.commit()`;
    execFileSync('/usr/bin/python3', ['-c', program, file], { input: JSON.stringify(statements) });
    db = await ReadOnlyDatabase.open(new FileSource(file));
    const index = PathIndex.of(db);
    assert.ok(index);
    assert.deepEqual(sorted(new IndexedDomain(index, 'D'), ''), ['\ufffd directory']);
  });

  for (const [what, statements] of [
    ['an index is missing', [TABLE, ...INDICES.slice(1)]],
    [
      'an index folds case',
      [TABLE, ...INDICES.slice(0, 2), 'CREATE INDEX FilesFlagsIdx ON Files(flags COLLATE NOCASE)'],
    ],
    ['rows have no numbers', [`${TABLE} WITHOUT ROWID`, ...INDICES]],
  ] as const) {
    test(`is not used where ${what}`, async () => {
      assert.equal(await open([['D', 'a', 1]], statements), undefined);
    });
  }

  test('is not used where a row has a number that no device gives', async () => {
    const far = `INSERT INTO Files (rowid, fileID, domain, relativePath, flags) VALUES (9e17, 'x', 'D', 'far', 1)`;
    assert.equal(
      await open([['D', 'a', 1]], [TABLE, ...INDICES, far.replace('9e17', '900000000000000000')]),
      undefined,
    );
  });
});
