import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'mocha';
import { type MadeBackup, madePassword, makeBackup } from '../../support/madeBackup';
import { bundledReader, startReader } from '../../support/readerProcess';

/** Where a program keeps what it writes in passing. */
const PLACES = ['TMPDIR', 'TEMP', 'TMP', 'HOME', 'USERPROFILE', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'];

describe('an encrypted backup that is being read', () => {
  let root: string;
  let made: MadeBackup;
  const kept = new Map<string, string | undefined>();

  before(function () {
    this.timeout(60_000);
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'plaintext-'));
    made = makeBackup(path.join(root, 'backup'), '--files', '300', '--bytes', '2000');
    makeBackup(path.join(root, 'later'), '--later');
    for (const place of PLACES) {
      kept.set(place, process.env[place]);
      fs.mkdirSync(path.join(root, 'places', place), { recursive: true });
    }
  });
  after(() => fs.rmSync(root, { recursive: true }));

  /** Files below `folder` that hold one of the texts. */
  function holding(folder: string, texts: readonly (string | Buffer)[]): string[] {
    return fs.readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const place = path.join(entry.parentPath, entry.name);
      if (!entry.isFile()) return [];
      const bytes = fs.readFileSync(place);
      return texts.some((text) => bytes.includes(text)) ? [path.relative(root, place)] : [];
    });
  }

  test('leaves nothing in the clear on any disk until something is extracted, and then only in its target', async function () {
    this.timeout(60_000);
    const texts = [made.marker, Buffer.from(made.marker, 'utf16le'), madePassword, 'See you at the station'];
    // The scan finds what is there: a backup that is not encrypted holds the marker.
    makeBackup(path.join(root, 'plain'), '--plain');
    assert.ok(holding(path.join(root, 'plain'), texts).length >= 4);
    fs.rmSync(path.join(root, 'plain'), { recursive: true });

    // Its programs lie where the other tests find them as well.
    await bundledReader();
    const { reader, output } = await (async () => {
      try {
        for (const place of PLACES) process.env[place] = path.join(root, 'places', place);
        return await startReader();
      } finally {
        for (const [place, value] of kept) {
          if (value === undefined) Reflect.deleteProperty(process.env, place);
          else process.env[place] = value;
        }
      }
    })();
    const notes = 'Apps/Example Notes/Documents/Notes.sqlite';
    const settings = 'Apps/Example Notes/Library/Preferences/com.example.notes.plist';
    await reader.call('open', { folder: path.join(root, 'backup'), idleMs: 0 });
    await reader.call('unlock', { password: madePassword });
    await reader.call('list', { path: '' });
    await reader.call('list', { path: 'Apps/Example Notes/Documents' });
    const text = await reader.call('read', {
      path: 'Apps/Example Notes/Documents/readme.txt',
      offset: 0,
      length: 1000,
    });
    assert.ok(Buffer.from(text).includes(made.marker));
    assert.ok((await reader.call('plistText', { path: settings })).includes(made.marker));
    await reader.call('readableText', { path: notes });
    await reader.call('tables', { path: notes });
    const sort = { column: 'ZBODY', descending: true };
    await reader.call('rows', { path: notes, query: { table: 'ZNOTE', offset: 0, limit: 300, sort } });
    await reader.call('searchNames', { text: 'readme', limit: 10 });
    const matches: unknown[] = [];
    await reader.call(
      'searchContents',
      { text: made.marker, path: '' },
      { onProgress: ({ matches: more = [] }) => matches.push(...more) },
    );
    assert.ok(matches.length >= 4);
    await reader.call('sizes', {});
    await reader.call('compare', { folder: path.join(root, 'later') });
    await reader.call('comparedText', {
      side: 'before',
      domain: 'HomeDomain',
      relativePath: 'Library/SMS/sms.db',
    });
    assert.deepEqual(holding(root, texts), []);

    const target = path.join(root, 'target');
    const report = await reader.call('extract', { target, what: { kind: 'everything' } });
    assert.deepEqual(report.failed, []);
    const found = holding(root, texts);
    assert.ok(found.length >= 4);
    assert.deepEqual(
      found.filter((place) => !place.startsWith(`target${path.sep}`)),
      [],
    );
    reader.end();
    await reader.ended;
    assert.equal(output(), '');
    assert.deepEqual(
      holding(root, texts).filter((place) => !place.startsWith(`target${path.sep}`)),
      [],
    );
  });
});
