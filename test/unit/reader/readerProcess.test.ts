import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import type { ReaderProcess } from '../../../src/reader/client';
import { vectors } from '../../support/backupVectors';
import { startReader } from '../../support/readerProcess';
import { vectorPassword, writeVectorBackup } from '../../support/vectorBackup';

describe('the reader process', () => {
  let folder: string;
  let reader: ReaderProcess;
  let output: () => string;

  beforeEach(async function () {
    this.timeout(60_000);
    folder = writeVectorBackup();
    ({ reader, output } = await startReader());
  });
  afterEach(async () => {
    reader.end();
    await reader.ended;
    fs.rmSync(folder, { recursive: true });
    assert.equal(output(), '');
  });
  const open = (idleMs = 0) => reader.call('open', { folder, idleMs });

  test('opens locked, tells a wrong password, and shows folders by names that people know', async () => {
    assert.deepEqual(await open(), {
      encrypted: true,
      locked: true,
      udid: '00008130-000A1B2C3D4E5F60',
      deviceName: 'Vector iPhone',
    });
    await assert.rejects(reader.call('list', { path: '' }), { code: 'passwordNeeded' });
    await assert.rejects(reader.call('unlock', { password: 'nope' }), { code: 'wrongPassword' });
    await reader.call('unlock', { password: vectorPassword });
    const names = (await reader.call('list', { path: '' })).map(({ name }) => name).sort();
    assert.deepEqual(names, ['Apps', 'Camera Roll', 'Home']);
    await assert.rejects(reader.call('list', { path: 'Home/../..' }), { code: 'fileNotFound' });
    await assert.rejects(reader.call('open', { folder, idleMs: 0 }), { code: 'notAllowed' });
  });

  test('gives any part of any file, and its real size', async () => {
    await open();
    await reader.call('unlock', { password: vectorPassword });
    const file = vectors.files.find(({ relativePath }) => relativePath === 'Library/Notes/hello.txt');
    const at = `Home/${file?.relativePath ?? ''}`;
    const { size, kind, modified } = await reader.call('stat', { path: at });
    assert.deepEqual([kind, size, modified], ['file', 15, 1_735_689_700_000]);
    const whole = Buffer.from(file?.plain ?? '', 'hex');
    for (let offset = 0; offset <= size; offset++) {
      for (let length = 0; length <= size; length += 4) {
        const part = await reader.call('read', { path: at, offset, length });
        assert.deepEqual(Buffer.from(part), whole.subarray(offset, offset + length));
      }
    }
    for (const [offset, length] of [
      [-1, 1],
      [0, 1 << 30],
      [0.5, 1],
    ] as const) {
      await assert.rejects(reader.call('read', { path: at, offset, length }), { code: 'notAllowed' });
    }
    const link = await reader.call('stat', { path: 'Apps/com.example.app/Library/link' });
    assert.equal(link.kind, 'link');
  });

  test('finds, extracts with progress, and ends a cancelled call', async () => {
    await open();
    await reader.call('unlock', { password: vectorPassword });
    const { matches, more } = await reader.call('searchNames', { text: 'hello', limit: 10 });
    assert.deepEqual([matches, more], [[{ path: 'Home/Library/Notes/hello.txt', kind: 'file' }], false]);
    const found: string[] = [];
    await reader.call(
      'searchContents',
      { text: 'BACKUP', path: '' },
      { onProgress: ({ matches: some = [] }) => found.push(...some.map(({ path: at }) => at)) },
    );
    assert.deepEqual(found, ['Home/Library/Notes/hello.txt']);
    const target = fs.mkdtempSync(path.join(os.tmpdir(), 'reader-extract-'));
    const report = await reader.call('extract', { target, what: { kind: 'paths', paths: ['Home/Library/Notes'] } });
    assert.equal(report.files, 1);
    assert.equal(fs.readFileSync(path.join(target, 'Notes', 'hello.txt'), 'utf8'), 'Hello, backup!\n');
    fs.rmSync(target, { recursive: true });
    const abort = new AbortController();
    const searching = reader.call('searchNames', { text: 'e', limit: 1000 }, { signal: abort.signal });
    abort.abort();
    await assert.rejects(searching.then(() => Promise.reject(new Error('in time'))));
  });

  test('compares with a backup of the same password without asking', async () => {
    await open();
    await reader.call('unlock', { password: vectorPassword });
    const other = writeVectorBackup();
    assert.deepEqual(await reader.call('compare', { folder: other }), { files: 0 });
    const place = { domain: 'HomeDomain', relativePath: 'Library/Notes/hello.txt' };
    assert.equal(await reader.call('comparedText', { side: 'before', ...place }), 'Hello, backup!\n');
    await reader.call('closeComparison', {});
    await assert.rejects(reader.call('comparedText', { side: 'before', ...place }), { code: 'notAllowed' });
    fs.rmSync(other, { recursive: true });
  });

  test('ends when nobody asks for anything, and says so to the next who does', async () => {
    await open(200);
    await reader.call('unlock', { password: vectorPassword });
    await reader.ended;
    await assert.rejects(reader.call('list', { path: '' }), { code: 'passwordNeeded' });
  });

  test('ends with its channel, even while it derives a key', async () => {
    await open();
    const unlocking = reader.call('unlock', { password: 'x' });
    reader.end();
    await assert.rejects(unlocking);
    await reader.ended;
    assert.throws(() => process.kill(reader.pid ?? assert.fail(), 0), { code: 'ESRCH' });
  });
});
