import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { type ByteSource, DecryptedSource } from '../../../../src/backups/format/byteSource';
import { ReadOnlyDatabase } from '../../../../src/backups/format/readOnlyDatabase';
import { hex, vectors } from '../../../support/backupVectors';

function bytesSource(bytes: Buffer, onClose = () => {}): ByteSource {
  return {
    size: bytes.length,
    read: (target, offset) => bytes.copy(target, 0, offset, offset + target.length),
    close: onClose,
  };
}

const stored = Buffer.from(vectors.manifestDb.storedBase64, 'base64');
const decrypted = () => new DecryptedSource(bytesSource(stored), hex(vectors.manifestKey.key));

describe('ReadOnlyDatabase', () => {
  test('reads an encrypted Manifest.db, block by block', async () => {
    const db = await ReadOnlyDatabase.open(decrypted());
    const rows = [
      ...db.rows('SELECT fileID, domain, relativePath, flags, file FROM Files ORDER BY domain, relativePath'),
    ];
    for (const file of vectors.files) {
      const row = rows.find(([id]) => id === file.fileID);
      assert.deepEqual(row?.slice(1, 4), [file.domain, file.relativePath, 1]);
      assert.equal(Buffer.from(row?.[4] as Uint8Array).toString('hex'), file.mbfile);
    }
    assert.equal(db.first('SELECT count(*) FROM Files WHERE flags = ?', [1])?.[0], vectors.files.length);
    db.close();
  });

  test('several are open at once, and each closes its source', async () => {
    let closed = 0;
    const source = decrypted();
    const all = Buffer.alloc(source.size);
    source.read(all, 0);
    const open = await Promise.all([1, 2, 3].map(() => ReadOnlyDatabase.open(bytesSource(all, () => closed++))));
    for (const db of open) assert.ok(db.first('SELECT count(*) FROM Files'));
    for (const db of open) db.close();
    assert.equal(closed, 3);
  });

  test('cannot be written to', async () => {
    const db = await ReadOnlyDatabase.open(decrypted());
    for (const sql of ['DELETE FROM Files', 'CREATE TABLE x(y)', "ATTACH 'y' AS z", 'PRAGMA user_version=7']) {
      try {
        assert.deepEqual([...db.rows(sql)], []);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'backupDamaged', sql);
      }
    }
    assert.equal(db.first('PRAGMA user_version')?.[0], 2);
    assert.equal(db.first('SELECT count(*) FROM Files WHERE flags = 1')?.[0], vectors.files.length);
    db.close();
  });

  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.alloc(8192, 0x5a)],
    ['a cut header', Buffer.from('SQLite format 3\0')],
  ] as const) {
    test(`refuses ${what}`, async () => {
      let closed = 0;
      const opening = ReadOnlyDatabase.open(bytesSource(bytes, () => closed++)).then((db) => {
        db.first('SELECT count(*) FROM Files');
      });
      await assert.rejects(opening, { code: 'backupDamaged' });
      if (what !== 'nothing') assert.equal(closed, 1);
    });
  }

  test('survives damage anywhere in the file', async () => {
    const source = decrypted();
    const whole = Buffer.alloc(source.size);
    source.read(whole, 0);
    for (let at = 16; at < whole.length; at += 97) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0xff;
      try {
        const db = await ReadOnlyDatabase.open(bytesSource(bytes));
        try {
          assert.ok([...db.rows('SELECT * FROM Files')].length >= 0);
        } finally {
          db.close();
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'backupDamaged');
      }
    }
  });
});
