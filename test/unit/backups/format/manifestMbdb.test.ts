import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { fileID } from '../../../../src/backups/format/fileID';
import { parseManifestMbdb } from '../../../../src/backups/format/manifestMbdb';
import { hex, vectors } from '../../../support/backupVectors';

const file = hex(vectors.mbdb.file);

describe('parseManifestMbdb()', () => {
  test('reads the published records', () => {
    const { files, damagedAt } = parseManifestMbdb(file);
    assert.equal(damagedAt, undefined);
    assert.equal(files.length, vectors.mbdb.records.length);
    const hello = files.find(({ relativePath }) => relativePath === 'Library/Notes/hello.txt');
    const expected = vectors.files.find(({ relativePath }) => relativePath === 'Library/Notes/hello.txt');
    assert.equal(hello?.fileID, expected?.fileID);
    assert.equal(hello?.digest?.toString('hex'), expected?.Digest);
    assert.equal(hello?.encryptionKey?.toString('hex'), expected?.EncryptionKey);
    assert.equal(hello?.size, 15);
    assert.equal(files.find(({ kind }) => kind === 'link')?.linkTarget, vectors.symlink.Target);
  });

  test('keeps what came before a cut, wherever it is', () => {
    const whole = parseManifestMbdb(file).files.length;
    const starts = new Set<number>();
    for (let length = 6; length < file.length; length++) {
      const { files, damagedAt } = parseManifestMbdb(file.subarray(0, length));
      assert.ok(files.length < whole);
      if (damagedAt === undefined) starts.add(length);
      else assert.ok(damagedAt < length);
    }
    assert.equal(starts.size, whole);
  });

  test('takes what is neither folder nor link for a file', () => {
    const text = (value: string) => Buffer.from([0, value.length, ...Buffer.from(value)]);
    const record = Buffer.concat([
      text('d'),
      text('p'),
      Buffer.from('ffffffffffff', 'hex'),
      Buffer.alloc(2),
      Buffer.alloc(8 + 5 * 4),
      Buffer.from('0000000000000007', 'hex'),
      Buffer.of(4, 1),
      text('name'),
      text('value'),
    ]);
    const { files } = parseManifestMbdb(Buffer.concat([Buffer.from('mbdb\x05\0'), record]));
    assert.deepEqual(
      files.map(({ kind, size, mode, protectionClass }) => ({ kind, size, mode, protectionClass })),
      [{ kind: 'file', size: 7, mode: 0, protectionClass: 4 }],
    );
  });

  test('refuses what is no mbdb', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('mbdb'), Buffer.from('SQLite format 3\0')]) {
      assert.throws(() => parseManifestMbdb(bytes), { code: 'backupDamaged' });
    }
  });
});

describe('fileID()', () => {
  for (const { domain, relativePath, fileID: expected } of vectors.fileID) {
    test(`of ${domain} ${relativePath || '(its root)'}`, () => assert.equal(fileID(domain, relativePath), expected));
  }
});
