import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { decryptSample } from '../../../../src/backups/verify/decryptSample';
import { vectors } from '../../../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

describe('decryptSample()', () => {
  let folder: string;
  let backup: OpenedBackup;
  beforeEach(async () => {
    folder = writeVectorBackup();
    backup = await OpenedBackup.open(folder);
    await backup.unlock(vectorPassword);
  });
  afterEach(() => {
    backup.close();
    fs.rmSync(folder, { recursive: true });
  });
  const full = vectors.files.filter(({ size }) => size > 0);

  test('decrypts files of every protection class', async () => {
    assert.equal(await decryptSample(backup, { perClass: 100 }), full.length);
    const classes = new Set(full.map(({ protectionClass }) => protectionClass));
    assert.equal(await decryptSample(backup, { perClass: 1 }), classes.size);
  });

  test('leaves out what the device could not read', async () => {
    for (const { fileID } of full.slice(1)) fs.rmSync(path.join(folder, fileID.slice(0, 2), fileID));
    const excused = new Set(full.slice(1).map(({ fileID }) => fileID));
    assert.equal(await decryptSample(backup, { perClass: 100, excused }), 1);
    await assert.rejects(decryptSample(backup, { perClass: 100 }), { code: 'fileNotFound' });
  });

  test('reads the contents where they lie', async () => {
    const elsewhere = fs.mkdtempSync(`${folder}-`);
    try {
      for (const { fileID } of full) {
        fs.renameSync(path.join(folder, fileID.slice(0, 2), fileID), path.join(elsewhere, fileID));
      }
      const locate = (fileID: string) => Promise.resolve(path.join(elsewhere, fileID));
      assert.equal(await decryptSample(backup, { perClass: 100, locate }), full.length);
      const nowhere = () => Promise.resolve(undefined);
      await assert.rejects(decryptSample(backup, { perClass: 100, locate: nowhere }), { code: 'fileNotFound' });
    } finally {
      fs.rmSync(elsewhere, { recursive: true });
    }
  });

  for (const { fileID, relativePath, stored } of full) {
    test(`notices that ${relativePath} does not decrypt`, async () => {
      fs.writeFileSync(path.join(folder, fileID.slice(0, 2), fileID), Buffer.alloc(stored.length / 2, 7));
      await assert.rejects(decryptSample(backup, { perClass: 100 }), { code: 'fileDamaged' });
    });
  }
});
