import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { extract } from '../../../../src/backups/reader/extract';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { FolderNames, nameRules, safeName } from '../../../../src/backups/reader/safeNames';
import { hex, vectors } from '../../../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

describe('extract()', () => {
  let folder: string;
  let target: string;
  let backup: OpenedBackup;

  beforeEach(async () => {
    folder = writeVectorBackup();
    target = fs.mkdtempSync(path.join(os.tmpdir(), 'extract-'));
    backup = await OpenedBackup.open(folder);
    await backup.unlock(vectorPassword);
  });
  afterEach(() => {
    backup.close();
    for (const one of [folder, target]) fs.rmSync(one, { recursive: true });
  });

  test('takes everything out, byte for byte and with dates', async () => {
    const report = await extract(backup, {}, target);
    assert.equal(report.files, vectors.files.length);
    assert.deepEqual(report.failed, []);
    assert.deepEqual(
      report.links.map(({ target: to }) => to),
      [vectors.symlink.Target],
    );
    for (const { domain, relativePath, plain } of vectors.files) {
      const place = path.join(target, domain, relativePath);
      assert.equal(fs.readFileSync(place).toString('hex'), plain);
      const { file } = backup.stat(domain, relativePath);
      assert.equal(fs.statSync(place).mtimeMs / 1000, file?.modified);
      assert.equal(fs.statSync(place).mode & 0o777, 0o600);
    }
  });

  test('does not write again what is there', async () => {
    await extract(backup, {}, target);
    const again = await extract(backup, {}, target);
    assert.equal(again.files, 0);
    assert.equal(again.present, vectors.files.length);
  });

  test('removes what a killed run has left of a file, and nothing that another one writes', async () => {
    const orphan = '.extracting-4194304999-00112233aabb.part';
    const kept = [`.extracting-${process.pid}-00112233aabb.part`, '.extracting-mine.part'];
    for (const name of [orphan, ...kept]) fs.writeFileSync(path.join(target, name), 'half');
    await extract(backup, {}, target);
    assert.deepEqual(
      [orphan, ...kept].filter((name) => fs.existsSync(path.join(target, name))),
      kept,
    );
  });

  test('takes one file or folder out, at the same place', async () => {
    const [{ domain, relativePath } = assert.fail()] = vectors.files;
    assert.equal((await extract(backup, { domain, relativePath }, target)).files, 1);
    assert.ok(fs.existsSync(path.join(target, domain, relativePath)));
    await assert.rejects(extract(backup, { domain, relativePath: 'absent' }, target), { code: 'fileNotFound' });
  });

  test('says which file is damaged, and takes the others out', async () => {
    const [{ domain, relativePath, fileID, stored } = assert.fail()] = vectors.files;
    const bytes = hex(stored);
    bytes[0]! ^= 1;
    fs.writeFileSync(path.join(folder, fileID.slice(0, 2), fileID), bytes);
    const report = await extract(backup, {}, target);
    assert.deepEqual(
      report.failed.map(({ code }) => code),
      ['fileDamaged'],
    );
    assert.equal(report.files, vectors.files.length - 1);
    assert.ok(!fs.existsSync(path.join(target, domain, relativePath)));
  });

  test('does not follow a link out of the target', async () => {
    const [{ domain } = assert.fail()] = vectors.files;
    const outside = fs.mkdtempSync(path.join(os.tmpdir(), 'outside-'));
    fs.symlinkSync(outside, path.join(target, domain));
    await assert.rejects(extract(backup, { domain }, target), { code: 'unsafePath' });
    assert.deepEqual(fs.readdirSync(outside), []);
    fs.rmdirSync(outside);
  });

  test('ends when cancelled, and leaves no half file', async () => {
    const abort = new AbortController();
    const running = extract(backup, {}, target, { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(running, { code: 'cancelled' });
    const left = fs.readdirSync(target, { recursive: true }).filter((name) => String(name).endsWith('.part'));
    assert.deepEqual(left, []);
  });
});

describe('safeName()', () => {
  const linux = nameRules('linux');
  const windows = nameRules('win32');
  for (const [name, onLinux, onWindows] of [
    ['plain.txt', 'plain.txt', 'plain.txt'],
    ['a:b', 'a:b', 'a_b'],
    ['con.txt', 'con.txt', '_con.txt'],
    ['end. ', 'end. ', 'end__'],
    ['..', '__', '__'],
    ['a\0b', 'a_b', 'a_b'],
    ['a\\b', 'a\\b', 'a_b'],
    ['\ud800', '\ufffd', '\ufffd'],
  ] as const) {
    test(JSON.stringify(name), () => {
      assert.equal(safeName(name, linux), onLinux);
      assert.equal(safeName(name, windows), onWindows);
    });
  }
  test('fits 255 bytes without cutting a character', () => {
    const safe = safeName('😀'.repeat(100), linux);
    assert.ok(Buffer.byteLength(safe) <= 255 && safe.endsWith('😀'));
  });
});

describe('FolderNames', () => {
  test('keeps names apart that the file system would take for one', () => {
    const names = new FolderNames(nameRules('darwin'));
    const given = ['Bild.JPG', 'bild.jpg', 'e\u0301.txt', '\u00e9.txt', 'bild (2).jpg'].map((name) => names.give(name));
    assert.equal(new Set(given.map((name) => name.normalize('NFC').toLowerCase())).size, given.length);
    assert.equal(given[1], 'bild (2).jpg');
  });
});
