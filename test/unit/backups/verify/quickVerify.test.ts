import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { deriveKey } from '../../../../src/backups/format/deriveKey';
import { parseKeybag, type UnlockedKeybag, unlockKeybag } from '../../../../src/backups/format/keybag';
import { quickVerify } from '../../../../src/backups/verify/quickVerify';
import { hex, vectors } from '../../../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

describe('quickVerify()', () => {
  let folder: string;
  let keybag: UnlockedKeybag;

  beforeEach(async () => {
    folder = writeVectorBackup();
    const parsed = parseKeybag(hex(vectors.keybag.blob));
    keybag = unlockKeybag(parsed, await deriveKey(vectorPassword, parsed.derivation));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const [victim] = vectors.files;
  const place = () => path.join(folder, victim!.fileID.slice(0, 2), victim!.fileID);
  const damages = async () =>
    (await quickVerify(folder, { keybag })).findings.filter(({ severity }) => severity === 'damage');

  test('finds nothing wrong with a whole backup', async () => {
    const { files, findings, notChecked } = await quickVerify(folder, { keybag });
    assert.deepEqual(findings, []);
    assert.deepEqual(notChecked, []);
    assert.equal(files, vectors.files.length);
  });

  test('says what it cannot check without the password', async () => {
    const { damages: count, notChecked } = await quickVerify(folder);
    assert.equal(count, 0);
    assert.equal(notChecked.length, 1);
  });

  test('finds a missing content and names it', async () => {
    fs.rmSync(place());
    const [finding, ...others] = await damages();
    assert.equal(finding?.kind, 'missing');
    assert.equal(finding.relativePath, victim!.relativePath);
    assert.deepEqual(others, []);
  });

  test('only notes what the device could not read, with and without the password', async () => {
    const excused = new Set<string>();
    for (const { fileID, size } of vectors.files) {
      if (size === 0) continue;
      const content = path.join(folder, fileID.slice(0, 2), fileID);
      if (excused.size % 2 === 0) fs.rmSync(content);
      else fs.truncateSync(content, 7);
      excused.add(fileID);
    }
    const { damages: count, findings } = await quickVerify(folder, { keybag, excused });
    assert.equal(count, 0);
    assert.deepEqual(
      [...new Set(findings.map(({ severity, message }) => `${severity}: ${message}`))],
      ['note: the device could not read it'],
    );
    assert.equal((await quickVerify(folder, { excused })).damages, 0);
    const [first] = excused;
    excused.delete(first!);
    assert.equal((await quickVerify(folder, { keybag, excused })).damages, 1, 'the others are still missed');
  });

  test('finds a cut and a lengthened content', async () => {
    for (const bytes of [hex(victim!.stored).subarray(0, 7), Buffer.alloc(64)]) {
      fs.writeFileSync(place(), bytes);
      assert.deepEqual(
        (await damages()).map(({ kind }) => kind),
        ['wrongSize'],
      );
    }
  });

  test('takes a link in the place of a content for a missing one', async () => {
    fs.rmSync(place());
    fs.symlinkSync('/etc/hostname', place());
    assert.deepEqual(
      (await damages()).map(({ kind }) => kind),
      ['missing'],
    );
  });

  test('notes strangers', async () => {
    fs.writeFileSync(path.join(folder, 'notes.txt'), '');
    fs.writeFileSync(path.join(folder, victim!.fileID.slice(0, 2), 'x'), '');
    fs.mkdirSync(path.join(folder, 'ff'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'ff', 'f'.repeat(40)), '');
    const { findings, damages: count } = await quickVerify(folder, { keybag });
    assert.equal(count, 0);
    assert.equal(findings.filter(({ kind }) => kind === 'stray').length, 3);
  });

  for (const file of ['Manifest.plist', 'Status.plist', 'Manifest.db']) {
    for (const [what, change] of [
      ['empty', (name: string) => fs.writeFileSync(name, '')],
      ['cut', (name: string) => fs.truncateSync(name, fs.statSync(name).size - 20)],
    ] as const) {
      test(`finds ${file} ${what}`, async () => {
        change(path.join(folder, file));
        assert.ok((await damages()).length > 0);
      });
    }
  }

  test('refuses a folder that is no backup, and leaves nothing in it', async () => {
    const empty = fs.mkdtempSync(path.join(folder, 'empty-'));
    await assert.rejects(quickVerify(empty), { code: 'notABackup' });
    assert.deepEqual(fs.readdirSync(empty), []);
  });
});
