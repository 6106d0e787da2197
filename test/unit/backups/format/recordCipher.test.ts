import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { decryptRecord, recordKey } from '../../../../src/backups/format/recordCipher';
import { hex, vectors } from '../../../support/backupVectors';

describe('records of iOS 10.0', () => {
  const { password, salt, passwordHash, key, plain, fileColumn } = vectors.ios10_0;
  const properties = { salt: hex(salt), passwordHash: hex(passwordHash) };

  test('open with the published password', () => {
    assert.equal(recordKey(password, properties).toString('hex'), key);
    assert.equal(decryptRecord(hex(key), hex(fileColumn)).toString('hex'), plain);
  });

  test('tell a wrong password and damage', () => {
    assert.throws(() => recordKey('test1235', properties), { code: 'wrongPassword' });
    assert.throws(() => recordKey(password, { ...properties, passwordHash: Buffer.alloc(3) }), {
      code: 'wrongPassword',
    });
    for (const bytes of [hex(fileColumn).subarray(0, -1), hex(fileColumn).subarray(0, -16), Buffer.alloc(0)]) {
      assert.throws(() => decryptRecord(hex(key), bytes), { code: 'fileDamaged' });
    }
  });
});
