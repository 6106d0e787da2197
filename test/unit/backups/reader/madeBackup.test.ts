import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'mocha';
import { compare } from '../../../../src/backups/reader/compare';
import { DatabaseReader } from '../../../../src/backups/reader/databaseReader';
import { extract } from '../../../../src/backups/reader/extract';
import { kindSelections, photoDates } from '../../../../src/backups/reader/extractKinds';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { countPhotos } from '../../../../src/backups/reader/photoLibrary';
import { readableText } from '../../../../src/backups/reader/readableText';
import { searchContents } from '../../../../src/backups/reader/searchContents';
import { extractAll } from '../../../../src/backups';
import { type MadeBackup, madePassword, makeBackup } from '../../../support/madeBackup';

/** An independent program made these; it shares no code with the reader. */
describe('backups made by another program', () => {
  let root: string;
  let made: MadeBackup;
  const kinds = {
    encrypted: [],
    'not encrypted': ['--plain'],
    'before iOS 10': ['--mbdb'],
    later: ['--later'],
  } as const;
  const open = async (kind: keyof typeof kinds) => {
    const backup = await OpenedBackup.open(path.join(root, kind));
    if (backup.locked) await backup.unlock(madePassword);
    return backup;
  };

  before(function () {
    this.timeout(60_000);
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'made-'));
    for (const [kind, options] of Object.entries(kinds)) {
      const one = makeBackup(path.join(root, kind), ...options);
      if (kind === 'encrypted') made = one;
    }
  });
  after(() => fs.rmSync(root, { recursive: true }));

  for (const kind of ['encrypted', 'not encrypted', 'before iOS 10'] as const) {
    test(`${kind}: every byte of every file comes out`, async () => {
      const backup = await open(kind);
      const target = path.join(root, `out ${kind}`);
      const report = await extract(backup, {}, target);
      assert.deepEqual(report.failed, []);
      assert.equal(report.files, Object.keys(made.files).length);
      for (const [name, sum] of Object.entries(made.files)) {
        // The salts of a write-ahead log are SQLite's own, new each time.
        if (name.endsWith('-wal') && kind !== 'encrypted') continue;
        assert.equal(
          createHash('sha256')
            .update(fs.readFileSync(path.join(target, name)))
            .digest('hex'),
          sum,
          name,
        );
      }
      backup.close();
    });
  }

  test('an independent reader agrees', () => {
    const program = path.join(PROJECT_ROOT, 'test/support/readBackup.py');
    const output = execFileSync('/usr/bin/python3', [program, path.join(root, 'encrypted')], {
      input: `${madePassword}\n`,
    });
    const { problems, encrypted } = JSON.parse(output.toString()) as { problems: string[]; encrypted: boolean };
    assert.deepEqual([problems, encrypted], [[], true]);
  });

  test('a later one opens with the same password without asking, and tells what changed', async () => {
    const [before, after] = [await open('encrypted'), await OpenedBackup.open(path.join(root, 'later'))];
    assert.ok(await after.unlockLike(before));
    const found: string[] = [];
    for await (const { kind, relativePath, fileKind } of compare(before, after)) {
      if (fileKind === 'file') found.push(`${kind} ${path.posix.basename(relativePath)}`);
    }
    assert.deepEqual(found.sort(), [
      'added new.txt',
      'changed com.example.notes.plist',
      'changed sms.db',
      'removed empty',
    ]);
    const text = async (backup: OpenedBackup) => readableText(backup, 'HomeDomain', 'Library/SMS/sms.db');
    const [old, now] = [(await text(before)).split('\n'), (await text(after)).split('\n')];
    assert.deepEqual(
      now.filter((line) => !old.includes(line)).map((line) => /text="([^"]*)"/.exec(line)?.[1]),
      ['The train is late'],
    );
    before.close();
    after.close();
  });

  test('a database shows its log, dates, pictures and views; a page at a time', async () => {
    const backup = await open('encrypted');
    const notes = await DatabaseReader.open(backup, 'AppDomain-com.example.notes', 'Documents/Notes.sqlite');
    assert.ok(notes.logPages > 0);
    const [table] = notes.tables();
    assert.deepEqual([table?.name, table?.rows], ['ZNOTE', 251]);
    const page = notes.page({ table: 'ZNOTE', offset: 200, limit: 100 });
    assert.equal(page.rows.length, 51);
    assert.equal(page.more, false);
    assert.deepEqual(page.rows[50]?.[1], { kind: 'text', text: 'Only in the log' });
    assert.deepEqual(page.rows[0]?.[3], {
      kind: 'number',
      text: '772416500.5',
      date: new Date(1_750_723_700_500).toISOString(),
    });
    assert.equal(notes.cell({ table: 'ZNOTE' }, 0, 'ZDATA').kind, 'picture');
    const sorted = notes.page({ table: 'ZNOTE', offset: 0, limit: 1, sort: { column: 'Z_PK', descending: true } });
    assert.deepEqual(sorted.rows[0]?.[0], { kind: 'number', text: '251' });
    const filtered = notes.page({ table: 'ZNOTE', offset: 0, limit: 10, filter: 'IN THE LOG' });
    assert.equal(filtered.rows.length, 1);
    for (const table of ['absent', 'ZNOTE"; DROP TABLE ZNOTE; --']) {
      assert.throws(() => notes.page({ table, offset: 0, limit: 1 }), { code: 'fileNotFound' });
    }
    notes.close();
    const sms = await DatabaseReader.open(backup, 'HomeDomain', 'Library/SMS/sms.db');
    const message = sms.page({ table: 'message', offset: 0, limit: 1 }).rows[0];
    assert.deepEqual(message?.[4], { kind: 'number', text: '771692800000000000', date: '2025-06-15T15:06:40.000Z' });
    const body = sms.cell({ table: 'message' }, 0, 'attributedBody');
    assert.ok(body.kind === 'plist' && body.text.includes('NSString: "Hello from Anna'));
    assert.equal(sms.page({ table: 'recent', offset: 0, limit: 10 }).rows.length, 3);
    sms.close();
    backup.close();
  });

  test('contents are found in text, property lists, archives, databases and logs', async () => {
    const backup = await open('encrypted');
    const places: string[] = [];
    let files = 0;
    for await (const { relativePath, place } of searchContents(
      backup,
      made.marker.toLowerCase(),
      {},
      { onProgress: (at) => (files = at.files) },
    )) {
      places.push(
        `${path.posix.basename(relativePath)} ${place.kind === 'line' ? place.line : `${place.table} ${place.row}`}`,
      );
    }
    assert.deepEqual(places.sort(), [
      'Notes.sqlite ZNOTE 250',
      'com.example.notes.plist 18',
      'com.example.notes.plist 4',
      'readme.txt 2',
      'sms.db message 0',
      'sms.db message 0',
    ]);
    assert.equal(files, Object.keys(made.files).length);
    backup.close();
  });

  test('photos come out with the dates of the library', async () => {
    const backup = await open('encrypted');
    const target = path.join(root, 'photos');
    const report = await extractAll(backup, kindSelections.photos, target, { modifiedOf: await photoDates(backup) });
    assert.equal(report.files, 2);
    const taken = fs.statSync(path.join(target, 'CameraRollDomain/Media/DCIM/100APPLE/IMG_0001.JPG')).mtimeMs;
    assert.equal(taken, (1_750_000_000 - 86_400_000) * 1000);
    backup.close();
  });

  test('photos that are only in iCloud are counted', async () => {
    for (const kind of ['encrypted', 'not encrypted', 'before iOS 10'] as const) {
      const backup = await open(kind);
      assert.deepEqual(await countPhotos(backup), { listed: 2, here: 1 }, kind);
      await assert.rejects(countPhotos(backup, AbortSignal.abort()), { code: 'cancelled' });
      backup.close();
    }
  });

  test('shown folders have names that people know, and empty extensions are left out', async () => {
    const backup = await open('encrypted');
    const { folders } = await backup.paths();
    assert.deepEqual(folders.map(({ path: at }) => at).sort(), [
      'App Groups/Example Notes (group.com.example.notes)',
      'Apps/Example Notes',
      'Camera Roll',
      'Home',
      'Media',
      'System/Wireless',
    ]);
    backup.close();
  });
});
