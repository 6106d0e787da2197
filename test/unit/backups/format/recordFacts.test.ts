import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { decodeFilesRow } from '../../../../src/backups/format/fileRecord';
import { readRecordFacts } from '../../../../src/backups/format/recordFacts';
import { encodeBinaryPlist, isPlistError, PlistUid, type PlistValue } from '../../../../src/plist';
import { hex, vectors } from '../../../support/backupVectors';

interface Record {
  readonly size?: number | bigint;
  readonly mode?: number;
  readonly key?: 'bare' | 'wrapped' | 'nil';
  readonly path?: string;
}

function record({ size, mode, key, path = 'Media/IMG_0001.JPG' }: Record): Buffer {
  const root = new Map<string, PlistValue>([
    ['$class', new PlistUid(3)],
    ['RelativePath', new PlistUid(2)],
    ['Birth', 1_600_000_000],
    ['ProtectionClass', 3],
  ]);
  if (size !== undefined) root.set('Size', size);
  if (mode !== undefined) root.set('Mode', mode);
  if (key) root.set('EncryptionKey', new PlistUid(key === 'nil' ? 0 : 4));
  const bytes = Buffer.alloc(44, 7);
  const held: PlistValue = key === 'wrapped' ? new Map<string, PlistValue>([['NS.data', bytes]]) : bytes;
  const objects: PlistValue[] = ['$null', root, path, new Map([['$classname', 'MBFile']]), held];
  return encodeBinaryPlist(
    new Map<string, PlistValue>([
      ['$version', 100000],
      ['$archiver', 'NSKeyedArchiver'],
      ['$top', new Map([['root', new PlistUid(1)]])],
      ['$objects', objects],
    ]),
  );
}

/** What the full decoder says; undefined if it refuses the record. */
function decoded(file: Buffer) {
  try {
    const { mode, size, encryptionKey, kind } = decodeFilesRow({
      fileID: '00',
      domain: 'd',
      relativePath: 'p',
      flags: 1,
      file,
    });
    return { mode, size, hasKey: encryptionKey !== undefined, kind };
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}

const records: readonly Buffer[] = [
  ...vectors.files.map(({ mbfile }) => hex(mbfile)),
  record({ size: 0, mode: 0o100644 }),
  record({ size: 255, mode: 0o100600, key: 'bare' }),
  record({ size: 65_535, mode: 0o100600, key: 'wrapped', path: 'é'.repeat(300) }),
  record({ size: 70_000, mode: 0o40755 }),
  record({ size: 5 * 2 ** 30, mode: 0o100644, path: 'x'.repeat(20) }),
  record({}),
];

describe('readRecordFacts', () => {
  test('says what the full decoder says', () => {
    for (const file of records) {
      const facts = readRecordFacts(file);
      assert.ok(facts, file.toString('hex'));
      const full = decoded(file);
      assert.equal(facts.mode, full?.mode);
      assert.equal(facts.hasKey, full?.hasKey);
      if (full?.kind === 'file') assert.equal(facts.size, full.size);
    }
  });

  test('leaves what is unusual to the full decoder', () => {
    assert.equal(readRecordFacts(record({ size: 1, key: 'nil' })), undefined);
    assert.equal(readRecordFacts(record({ size: 2n ** 62n })), undefined);
    for (const bytes of ['', 'bplist00', 'bplist15 and much more than the forty bytes of the shortest list']) {
      assert.equal(readRecordFacts(Buffer.from(bytes)), undefined);
    }
    assert.equal(readRecordFacts(encodeBinaryPlist([1, 2, 3])), undefined);
  });

  test('answers for no record that the full decoder refuses: every bit of a record turned, one at a time', () => {
    let refused = 0;
    for (const original of records.slice(0, 1)) {
      for (let bit = 0; bit < original.length * 8; bit++) {
        const file = Buffer.from(original);
        file[bit >> 3] = (file[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if (decoded(file)) continue;
        refused++;
        assert.equal(readRecordFacts(file), undefined, file.toString('hex'));
      }
    }
    assert.ok(refused > 100, `${refused} refused`);
  });

  test('leaves references to nothing, and objects that contain themselves, to the full decoder', () => {
    const refuses = (root: readonly (readonly [string, PlistValue])[], turn: (file: Buffer) => void = () => {}) => {
      const objects: PlistValue[] = ['$null', new Map<string, PlistValue>(root), 'x'];
      const top = new Map<string, PlistValue>([
        ['$top', new Map([['root', new PlistUid(1)]])],
        ['$objects', objects],
      ]);
      const file = encodeBinaryPlist(top);
      assert.ok(decoded(file), 'before');
      turn(file);
      assert.equal(decoded(file), undefined);
      assert.equal(readRecordFacts(file), undefined);
    };
    const size = ['Size', 5] as const;
    const uid = (value: number) => Buffer.from([0x80, value]);
    // Digest asks for object 2, then for one that is not there.
    refuses([size, ['Digest', new PlistUid(2)]], (file) => file.writeUInt8(200, file.indexOf(uid(2)) + 1));
    // The array within takes itself for its only item.
    refuses([size, ['List', ['only']]], (file) => {
      const array = file.indexOf(Buffer.from([0xa1]));
      const table = file.readUInt8(file.length - 1);
      const index = file.subarray(table).indexOf(array);
      file.writeUInt8(index, array + 1);
    });
  });

  test('never says something else of a damaged record, and never fails', () => {
    let seed = 42;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return seed % below;
    };
    let answered = 0;
    for (let round = 0; round < 30_000; round++) {
      const original = records[round % records.length] ?? Buffer.alloc(0);
      const length = random(8) === 0 ? random(original.length + 1) : original.length;
      const file = Buffer.from(original.subarray(0, length));
      for (let changes = 1 + random(3); changes > 0 && length > 0; changes--) file[random(length)] = random(256);
      const facts = readRecordFacts(file);
      if (!facts) continue;
      answered++;
      const full = decoded(file);
      assert.ok(full, `the full decoder refuses ${file.toString('hex')}`);
      const { mode, hasKey } = full;
      assert.deepEqual({ mode: facts.mode, hasKey: facts.hasKey }, { mode, hasKey }, file.toString('hex'));
      if (full.kind === 'file') assert.equal(Math.max(0, facts.size), full.size, file.toString('hex'));
    }
    assert.ok(answered > 1000);
  });
});
