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
    assert.equal(await decryptSample(backup, 100), full.length);
    const classes = new Set(full.map(({ protectionClass }) => protectionClass));
    assert.equal(await decryptSample(backup, 1), classes.size);
  });

  for (const { fileID, relativePath, stored } of full) {
    test(`notices that ${relativePath} does not decrypt`, async () => {
      fs.writeFileSync(path.join(folder, fileID.slice(0, 2), fileID), Buffer.alloc(stored.length / 2, 7));
      await assert.rejects(decryptSample(backup, 100), { code: 'fileDamaged' });
    });
  }
});
