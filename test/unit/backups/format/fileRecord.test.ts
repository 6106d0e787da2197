import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { decodeFilesRow } from '../../../../src/backups/format/fileRecord';
import { encodeBinaryPlist, isPlistError, PlistReal, PlistUid, type PlistValue } from '../../../../src/plist';
import { hex, vectors } from '../../../support/backupVectors';

/** An archive whose root has these fields; `held` are its objects from 2 on. */
function archive(fields: Readonly<Record<string, PlistValue>>, ...held: readonly PlistValue[]): Buffer {
  return encodeBinaryPlist(
    new Map<string, PlistValue>([
      ['$top', new Map([['root', new PlistUid(1)]])],
      ['$objects', ['$null', new Map(Object.entries(fields)), ...held]],
    ]),
  );
}

const decode = (file: Uint8Array, flags = 0) =>
  decodeFilesRow({ fileID: 'ab', domain: 'HomeDomain', relativePath: 'a/b', flags, file });

describe('decodeFilesRow()', () => {
  test('reads the published link', () => {
    const { kind, size, linkTarget } = decode(hex(vectors.symlink.mbfile), 4);
    assert.deepEqual({ kind, size, linkTarget }, { kind: 'link', size: 0, linkTarget: vectors.symlink.Target });
  });

  test('takes an empty record for a file without anything', () => {
    const { inode, ...rest } = decode(archive({}));
    assert.equal(inode, 0n);
    assert.deepEqual(rest, {
      fileID: 'ab',
      domain: 'HomeDomain',
      relativePath: 'a/b',
      kind: 'file',
      size: 0,
      mode: 0,
      modified: 0,
      changed: 0,
      born: 0,
      userID: 0,
      groupID: 0,
      protectionClass: 0,
      flags: 0,
    });
  });

  for (const [mode, flags, kind] of [
    [0o100644, 2, 'file'],
    [0o40755, 1, 'directory'],
    [0o120755, 1, 'link'],
    [0o644, 1, 'file'],
    [0o644, 2, 'directory'],
    [0o644, 4, 'link'],
    [0o644, 0x12, 'directory'],
    [0o644, 3, 'file'],
    [0o140755, 2, 'directory'],
  ] as const) {
    test(`takes mode 0${mode.toString(8)} with flags ${flags} for a ${kind}`, () => {
      const found = decode(archive({ Mode: mode, Size: 9 }), flags);
      assert.deepEqual([found.kind, found.size, found.mode], [kind, kind === 'file' ? 9 : 0, mode]);
    });
  }

  test('reads numbers of any size, and takes a negative length for none', () => {
    assert.equal(decode(archive({ InodeNumber: 2n ** 63n })).inode, 2n ** 63n);
    assert.equal(decode(archive({ InodeNumber: 12_345 })).inode, 12_345n);
    assert.equal(decode(archive({ InodeNumber: 'x' })).inode, 0n);
    assert.equal(decode(archive({ Size: -5 })).size, 0);
    assert.equal(decode(archive({ LastModified: new PlistReal(1.5e9) })).modified, 1.5e9);
  });

  test('reads data and text that stand bare, referred to or wrapped', () => {
    const key = Buffer.alloc(44, 5);
    const wrappedKey = new Map<string, PlistValue>([['NS.data', new PlistUid(3)]]);
    for (const [value, held] of [
      [key, []],
      [new PlistUid(2), [key]],
      [new PlistUid(2), [wrappedKey, key]],
      [new PlistUid(2), [new Map([['NS.data', key]])]],
    ] as readonly [PlistValue, PlistValue[]][]) {
      assert.deepEqual(decode(archive({ EncryptionKey: value }, ...held)).encryptionKey, key);
      assert.deepEqual(decode(archive({ Digest: value }, ...held)).digest, key);
    }
    for (const [value, held] of [
      ['to', []],
      [new PlistUid(2), ['to']],
      [new PlistUid(2), [new Map([['NS.string', 'to']])]],
    ] as readonly [PlistValue, PlistValue[]][]) {
      assert.equal(decode(archive({ Mode: 0o120755, Target: value }, ...held)).linkTarget, 'to');
    }
  });

  test('leaves out what is nil, absent or of another kind', () => {
    for (const value of [new PlistUid(0), 'no data', 7]) {
      const found = decode(archive({ Mode: 0o120755, EncryptionKey: value, Digest: value, Target: new PlistUid(0) }));
      assert.deepEqual([found.encryptionKey, found.digest, found.linkTarget], [undefined, undefined, undefined]);
    }
  });

  test('refuses what is no keyed archive', () => {
    const refused: readonly PlistValue[] = [
      [],
      new Map<string, PlistValue>([['$top', new Map([['root', new PlistUid(1)]])]]),
      new Map<string, PlistValue>([['$objects', ['$null']]]),
      new Map<string, PlistValue>([
        ['$top', new Map([['root', new PlistUid(1)]])],
        ['$objects', ['$null']],
      ]),
      new Map<string, PlistValue>([
        ['$top', new Map([['root', new PlistUid(0)]])],
        ['$objects', ['$null']],
      ]),
      new Map<string, PlistValue>([
        ['$top', new Map([['root', new PlistUid(1)]])],
        ['$objects', ['$null', 'no dictionary']],
      ]),
    ];
    for (const value of refused) assert.throws(() => decode(encodeBinaryPlist(value)), isPlistError);
    assert.throws(() => decode(archive({ Digest: new PlistUid(9) })), isPlistError);
  });
});
