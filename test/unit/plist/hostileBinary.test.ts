import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'mocha';
import {
  decodeBinaryPlist,
  dict,
  encodeBinaryPlist,
  parsePlist,
  PlistError,
  type PlistLimits,
  PlistReal,
  PlistUid,
} from '../../../src/plist';
import { ascii, type BinaryParts, binaryPlist } from './bytes';

function refuses(bytes: Uint8Array, message: RegExp, limits: Partial<PlistLimits> = {}): void {
  assert.throws(
    () => decodeBinaryPlist(bytes, limits),
    (error) => {
      assert.ok(error instanceof PlistError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('decodeBinaryPlist() of hostile bytes', () => {
  const cases: readonly [string, BinaryParts, RegExp][] = [
    ['an array that contains itself', { objects: [[0xa1, 0]] }, /contains itself/],
    ['a cycle over two objects', { objects: [[0xa1, 1], [0xd1, 2, 0], ascii('k')] }, /contains itself/],
    ['a dictionary as its own key', { objects: [[0xd1, 0, 0]] }, /key is not a string/],
    ['a key that is no string', { objects: [[0xd1, 1, 1], [0x09]] }, /key is not a string/],
    [
      'a key that was decoded as another kind before',
      { objects: [[0xa2, 1, 2], [0x09], [0xd1, 1, 1]] },
      /key is not a string/,
    ],
    ['a reference out of range', { objects: [[0xa1, 7]] }, /reference to object 7 of 1/],
    ['a top object out of range', { objects: [[0x09]], top: 1 }, /top object is 1 of 1/],
    ['no objects', { objects: [[0x09]], objectCount: 0 }, /0 objects do not fit/],
    ['more objects than the table has', { objects: [[0x09]], objectCount: 2 }, /2 objects do not fit/],
    ['2^63 objects', { objects: [[0x09]], objectCount: 2n ** 63n }, /objects do not fit/],
    ['an offset table behind the end', { objects: [[0x09]], tableOffset: 2n ** 60n }, /offset table is said/],
    ['an offset table in the header', { objects: [[0x09]], tableOffset: 4 }, /offset table is said/],
    ['an offset in the header', { objects: [[0x09]], offsets: { 0: 3 } }, /said to be at 3/],
    ['an offset in the offset table', { objects: [[0x09]], offsets: { 0: 9 } }, /said to be at 9/],
    ['an offset behind the end', { objects: [[0x09]], offsets: { 0: 60_000 } }, /said to be at 60000/],
    ['offsets of no bytes', { objects: [[0x10, 0x05]], offsetSize: 0 }, /offsets of 0 bytes/],
    ['references of no bytes', { objects: [[0x09]], referenceSize: 0 }, /references of 0 bytes/],
    ['references of 9 bytes', { objects: [[0x09]], referenceSize: 9 }, /references of 9 bytes/],
    ['data longer than the file', { objects: [[0x4f, 0x12, 0x7f, 0xff, 0xff, 0xff]] }, /count of 2147483647 is beyond/],
    [
      'data of 2^64 bytes',
      { objects: [[0x4f, 0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] },
      /beyond the file/,
    ],
    ['an array of 2^32 entries', { objects: [[0xaf, 0x12, 0xff, 0xff, 0xff, 0xff, 0]] }, /beyond the file/],
    ['a dictionary of 2^31 entries', { objects: [[0xdf, 0x12, 0x7f, 0xff, 0xff, 0xff, 0]] }, /beyond the file/],
    ['a UTF-16 string of half a character', { objects: [[0x62, 0, 0x61, 0]] }, /beyond the file/],
    ['a string that runs into the table', { objects: [[0x54, 0x61, 0x62]] }, /beyond the file/],
    ['a count that is no integer', { objects: [[0x5f, 0x09, 0x61]] }, /count is not an integer/],
    ['a count of 16 bytes', { objects: [[0x5f, 0x14, ...new Array<number>(16).fill(0)]] }, /count is not an integer/],
    ['an integer that runs into the table', { objects: [[0x13, 0, 0]] }, /reaches into the offset table/],
    ['an integer of 2^5 bytes', { objects: [[0x15]] }, /integer of 2\^5 bytes/],
    ['an integer of 2^15 bytes', { objects: [[0x1f]] }, /integer of 2\^15 bytes/],
    ['a real of 2 bytes', { objects: [[0x21, 0, 0]] }, /real of 2\^1 bytes/],
    ['a date of 4 bytes', { objects: [[0x32, 0, 0, 0, 0]] }, /unknown type 0x32/],
    ['a date that is not a number', { objects: [[0x33, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]] }, /date out of range/],
    ['a date beyond all calendars', { objects: [[0x33, 0x7f, 0xe0, 0, 0, 0, 0, 0, 0]] }, /date out of range/],
    ['a UID beyond 32 bits', { objects: [[0x84, 1, 0, 0, 0, 0]] }, /UID of more than 32 bits/],
    ['a UID of 16 bytes', { objects: [[0x8f, ...new Array<number>(16).fill(0xff)]] }, /UID of more than 32 bits/],
    ['a fill byte as an object', { objects: [[0x0f]] }, /unknown type 0x0f/],
    ['an object of unknown type', { objects: [[0x91]] }, /unknown type 0x91/],
  ];
  for (const [name, parts, message] of cases) {
    test(`refuses ${name}`, () => refuses(binaryPlist(parts), message));
  }

  test('refuses what is shorter than header and trailer', () => {
    for (let length = 0; length < 42; length++)
      refuses(Buffer.from('bplist00'.padEnd(length, '\0')).subarray(0, length), /only/);
  });

  const sample = encodeBinaryPlist([
    dict({ text: 'text', wide: 'é', when: new Date(0), data: Buffer.alloc(20), real: new PlistReal(1) }),
    [new PlistUid(1), -1, 2n ** 63n, true, null],
  ]);

  test('refuses a list cut at any byte', () => {
    for (let length = 0; length < sample.length; length++) {
      assert.throws(() => parsePlist(sample.subarray(0, length)), PlistError, `cut after ${length} bytes`);
    }
  });

  test('reads or refuses a list with any byte changed, and fails in no other way', () => {
    for (let at = 0; at < sample.length; at++) {
      const byte = sample[at]!;
      for (const value of [0, 0xff, byte + 1, byte - 1, ...[0, 1, 2, 3, 4, 5, 6, 7].map((bit) => byte ^ (1 << bit))]) {
        const changed = Buffer.from(sample);
        changed[at] = value;
        readOrRefuse(changed);
      }
    }
  });

  test('reads or refuses random bytes between header and trailer', () => {
    const objects = fc.array(fc.array(fc.nat(255), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(objects, fc.nat(12), (made, top) => readOrRefuse(binaryPlist({ objects: made, top }))),
      { numRuns: 3000 },
    );
  });

  test('refuses arrays that share arrays: 200 bytes that stand for 10^30 objects', () => {
    const objects = Array.from({ length: 30 }, (_, level) => [0xaa, ...new Array<number>(10).fill(level + 1)]);
    const bytes = binaryPlist({ objects: [...objects, [0x09]], referenceSize: 1 });
    assert.ok(bytes.length < 500);
    refuses(bytes, /written out in full/);
  });

  test('refuses dictionaries that share dictionaries', () => {
    const levels = 60;
    const objects: number[][] = [];
    for (let level = 0; level < levels; level++) objects.push([0xd2, levels + 1, levels + 2, level + 1, level + 1]);
    refuses(binaryPlist({ objects: [...objects, [0xd0], ascii('a'), ascii('b')] }), /written out in full/);
  });

  test('refuses one large string used a thousand times', () => {
    const length = 1 << 20;
    const text = [0x5f, 0x12, ...Buffer.from([0, 0x10, 0, 0]), ...new Array<number>(length).fill(0x61)];
    const array = [0xaf, 0x11, 0x03, 0xe8, ...new Array<number>(1000).fill(1)];
    refuses(binaryPlist({ objects: [array, text], offsetSize: 4 }), /written out in full/);
  });

  test('refuses offsets that read the same bytes again and again', () => {
    // 2,000 objects of 60,000 bytes each, all at one place in a file of 68 kB.
    const count = 2000;
    const array = [0xaf, 0x11, count >> 8, count & 0xff];
    for (let i = 1; i <= count; i++) array.push(i >> 8, i & 0xff);
    const data = [0x4f, 0x11, 0xea, 0x60, ...new Array<number>(60_000).fill(0)];
    const start = 8 + array.length;
    const offsets = Object.fromEntries(Array.from({ length: count }, (_, i) => [i + 1, start]));
    const objects = [array, data, ...Array.from({ length: count - 1 }, () => [])];
    refuses(binaryPlist({ objects, offsets, offsetSize: 4, referenceSize: 2 }), /objects overlap/);
  });

  test('refuses nesting beyond its limit, also where it is hidden behind shared objects', () => {
    const chain = (levels: number): number[][] =>
      Array.from({ length: levels }, (_, level) => [0xa1, (level + 1) >> 8, (level + 1) & 0xff]);
    const deepest = [...chain(255), [0xa0]];
    assert.ok(decodeBinaryPlist(binaryPlist({ objects: deepest, referenceSize: 2 })));
    refuses(binaryPlist({ objects: [...chain(256), [0xa0]], referenceSize: 2 }), /more than 256 levels/);
    refuses(binaryPlist({ objects: [...chain(9000), [0xa0]], referenceSize: 2 }), /more than 256 levels/);

    // The top array names each link of a long chain, the last one first: every link is shallow when it is decoded.
    const links = 3000;
    const top = [0xaf, 0x11, links >> 8, links & 0xff];
    for (let i = 1; i <= links; i++) top.push(i >> 8, i & 0xff);
    const hidden = Array.from({ length: links - 1 }, (_, i) => [0xa1, (i + 1) >> 8, (i + 1) & 0xff]);
    refuses(binaryPlist({ objects: [top, [0xa0], ...hidden], referenceSize: 2 }), /more than 256 levels/);
  });

  test('keeps to lower limits', () => {
    const list = encodeBinaryPlist(['a', 'b', 'c', ['d'.repeat(100)]]);
    assert.ok(decodeBinaryPlist(list, { maxBytes: list.length, maxObjects: 6, maxDepth: 2 }));
    refuses(list, /bytes; at most/, { maxBytes: list.length - 1 });
    refuses(list, /6 objects; at most 5/, { maxObjects: 5 });
    refuses(list, /more than 1 levels/, { maxDepth: 1 });
    const shared = binaryPlist({ objects: [[0xa3, 1, 1, 1], ascii('0123456789')] });
    assert.ok(decodeBinaryPlist(shared, { maxExpandedBytes: 60, maxObjects: 4 }));
    refuses(shared, /written out in full/, { maxExpandedBytes: 59 });
    refuses(shared, /written out in full/, { maxObjects: 3 });
    refuses(shared, /written out in full/, { maxObjects: 2 });
  });

  test('reads a message of 100,000 entries', () => {
    const entries = Array.from({ length: 100_000 }, (_, i): [string, string] => [`U/Snapshot/${i}`, `U/${i}`]);
    const moves = parsePlist(encodeBinaryPlist(['DLMessageMoveItems', new Map(entries), dict({}), new PlistReal(50)]));
    assert.equal(((moves as unknown[])[1] as Map<string, string>).get('U/Snapshot/99999'), 'U/99999');
  });
});

function readOrRefuse(bytes: Uint8Array): void {
  try {
    decodeBinaryPlist(bytes);
  } catch (error) {
    assert.ok(error instanceof PlistError, error instanceof Error ? error.stack : String(error));
  }
}
