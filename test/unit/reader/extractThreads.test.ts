import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'mocha';
import type { ReaderProcess } from '../../../src/reader/client';
import { type MadeBackup, madePassword, makeBackup } from '../../support/madeBackup';
import { startReader } from '../../support/readerProcess';

const what = { kind: 'everything' } as const;

describe('extracting many files, on threads', () => {
  let root: string;
  let folder: string;
  let target: string;
  let made: MadeBackup;
  let reader: ReaderProcess;
  let output: () => string;

  before(function () {
    this.timeout(60_000);
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'threads-'));
    folder = path.join(root, 'backup');
    // A few batches, and two contents of several parts each.
    made = makeBackup(folder, '--files', '700', '--bytes', '30000', '--large', '2');
  });
  after(() => fs.rmSync(root, { recursive: true }));
  beforeEach(async function () {
    this.timeout(60_000);
    target = fs.mkdtempSync(path.join(root, 'to-'));
    ({ reader, output } = await startReader());
    await reader.call('open', { folder, idleMs: 0 });
    await reader.call('unlock', { password: madePassword });
  });
  afterEach(async () => {
    reader.end();
    await reader.ended;
    assert.equal(output(), '');
  });

  const sha256 = (name: string) =>
    createHash('sha256')
      .update(fs.readFileSync(path.join(target, name)))
      .digest('hex');
  const filesThere = () =>
    fs
      .readdirSync(target, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(target, path.join(entry.parentPath, entry.name)));
  /** Where a content lies. */
  const stored = (name: string) => {
    const slash = name.indexOf('/');
    const id = createHash('sha1')
      .update(`${name.slice(0, slash)}-${name.slice(slash + 1)}`)
      .digest('hex');
    return path.join(folder, id.slice(0, 2), id);
  };
  const photo = (number: number) => `CameraRollDomain/Media/DCIM/200APPLE/IMG_${String(number).padStart(6, '0')}.JPG`;
  const large = (number: number) => `CameraRollDomain/Media/DCIM/999APPLE/IMG_${number}.MOV`;

  test('takes out every byte, and a second time writes only what is missing or cut off', async () => {
    const first = await reader.call('extract', { target, what });
    assert.deepEqual(first.failed, []);
    assert.equal(first.files, Object.keys(made.files).length);
    for (const [name, sum] of Object.entries(made.files)) assert.equal(sha256(name), sum, name);
    assert.deepEqual(
      filesThere().sort(),
      Object.keys(made.files)
        .map((name) => path.normalize(name))
        .sort(),
    );

    const { atime, mtime } = fs.statSync(path.join(target, photo(3)));
    fs.rmSync(path.join(target, photo(1)));
    // What a crash leaves: the right length is not enough without the date.
    fs.writeFileSync(path.join(target, photo(2)), Buffer.alloc(fs.statSync(path.join(target, photo(2))).size));
    fs.truncateSync(path.join(target, photo(3)), 100);
    fs.utimesSync(path.join(target, photo(3)), atime, mtime);
    const second = await reader.call('extract', { target, what });
    assert.equal(second.files, 3);
    assert.equal(second.present, first.files - 3);
    for (const number of [1, 2, 3]) assert.equal(sha256(photo(number)), made.files[photo(number)]);
  });

  test('a damaged, a missing and a large damaged content cost only themselves, and leave nothing behind', async () => {
    const broken = [photo(10), photo(20), large(1)];
    const kept = broken.map((name) => fs.readFileSync(stored(name)));
    try {
      fs.truncateSync(stored(photo(10)), 4001);
      fs.rmSync(stored(photo(20)));
      const bytes = Buffer.from(kept[2] ?? '');
      bytes[bytes.length - 17]! ^= 1;
      fs.writeFileSync(stored(large(1)), bytes);
      const report = await reader.call('extract', { target, what });
      assert.deepEqual(
        report.failed.map(({ domain, relativePath, code }) => [`${domain}/${relativePath}`, code]).sort(),
        [
          [photo(10), 'fileDamaged'],
          [photo(20), 'fileNotFound'],
          [large(1), 'fileDamaged'],
        ],
      );
      assert.equal(report.files, Object.keys(made.files).length - 3);
      assert.equal(filesThere().length, report.files);
    } finally {
      broken.forEach((name, index) => fs.writeFileSync(stored(name), kept[index] ?? ''));
    }
  });

  test('is not held up by what only looks like a content', async function () {
    if (process.platform === 'win32') return this.skip();
    const kept = fs.readFileSync(stored(photo(30)));
    try {
      fs.rmSync(stored(photo(30)));
      execFileSync('mkfifo', [stored(photo(30))]);
      const report = await reader.call('extract', { target, what });
      assert.deepEqual(
        report.failed.map(({ code }) => code),
        ['fileDamaged'],
      );
    } finally {
      fs.rmSync(stored(photo(30)));
      fs.writeFileSync(stored(photo(30)), kept);
    }
  });

  test('ends when cancelled with whole files only, and goes on from there', async () => {
    const abort = new AbortController();
    const running = reader.call('extract', { target, what }, { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(running, { code: 'cancelled' });
    const there = filesThere();
    for (const name of there) assert.equal(sha256(name), made.files[name.split(path.sep).join('/')], name);
    const { files, present, failed } = await reader.call('extract', { target, what });
    assert.deepEqual(failed, []);
    assert.equal(present, there.length);
    assert.equal(files + present, Object.keys(made.files).length);
  });

  test('ends as a whole when the target cannot be written, and says so', async () => {
    const blocked = path.join(target, 'file');
    fs.writeFileSync(blocked, '');
    await assert.rejects(reader.call('extract', { target: path.join(blocked, 'below'), what }), { name: 'AppError' });
  });

  test('two selections of one name do not meet', async () => {
    const paths = ['Apps/Example Notes/Library/Preferences', 'Home/Library/Preferences'];
    const report = await reader.call('extract', { target, what: { kind: 'paths', paths } });
    assert.deepEqual(report.failed, []);
    assert.deepEqual(fs.readdirSync(target).sort(), ['Preferences', 'Preferences (2)']);
    assert.ok(fs.existsSync(path.join(target, 'Preferences (2)', 'com.apple.springboard.plist')));
  });
});
