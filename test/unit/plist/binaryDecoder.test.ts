import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { decodeBinaryPlist, PlistReal, PlistUid, type PlistValue } from '../../../src/plist';
import { ascii, binaryPlist, fromHex } from './bytes';

describe('decodeBinaryPlist()', () => {
  const scalars: readonly [string, string, PlistValue][] = [
    ['1 byte is unsigned', '10ff', 255],
    ['2 bytes are unsigned', '11ffff', 65535],
    ['4 bytes are unsigned', '12ffffffff', 0xffff_ffff],
    ['8 bytes are signed', '13fffffffffffffff3', -13],
    ['8 bytes within 2^53', '13001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['8 bytes beyond 2^53', '130020000000000000', 2n ** 53n],
    ['8 bytes beyond -2^53', '13ffe0000000000000', -(2n ** 53n)],
    ['the lowest of 8 bytes', '138000000000000000', -(2n ** 63n)],
    ['16 bytes: 2^63', '1400000000000000008000000000000000', 2n ** 63n],
    ['16 bytes: a small value', '1400000000000000000000000000000005', 5],
    ['16 bytes: 2^64 - 13 stands for -13', '140000000000000000fffffffffffffff3', -13],
    ['16 bytes: the lowest status code', '140000000000000000ffffffff80000000', -(2 ** 31)],
    ['16 bytes: below the status codes', '140000000000000000ffffffff7fffffff', 2n ** 64n - 2n ** 31n - 1n],
    ['16 bytes: -13 with its sign', '14fffffffffffffffffffffffffffffff3', -13],
    ['16 bytes: more than 64 bits', '1400000000000000010000000000000000', 2n ** 64n],
    ['a real of 4 bytes', '2240000000', new PlistReal(2)],
    ['a real of 8 bytes', '234000cccccccccccd', new PlistReal(2.1)],
    ['a date', '3341c18b4900000000', new Date('2019-08-28T10:42:08Z')],
    ['a date before 2001', '33c1cd27e440000000', new Date(0)],
    ['false', '08', false],
    ['true', '09', true],
    ['null', '00', null],
    ['ASCII', '53616263', 'abc'],
    ['an empty string', '50', ''],
    ['UTF-8 in an ASCII string', '52c3a9', 'é'],
    ['UTF-16', '6300e9d83dde00', 'é😀'],
    ['a lone surrogate', '61d800', '\ud800'],
    ['data', '420102', Buffer.of(1, 2)],
    ['a UID', '8001', new PlistUid(1)],
    ['a UID of 8 bytes', '87000000000000ffff', new PlistUid(0xffff)],
    ['a count of 1 byte', '5f1003616263', 'abc'],
    ['a count of 8 bytes', '5f130000000000000003616263', 'abc'],
  ];
  for (const [name, hex, value] of scalars) {
    test(`reads ${name}`, () =>
      assert.deepEqual(decodeBinaryPlist(binaryPlist({ objects: [[...fromHex(hex)]] })), value));
  }

  for (const size of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`reads references of ${size} bytes`, () => {
      const reference = (index: number): number[] => [...Buffer.alloc(size - 1), index];
      const objects = [
        [0xd1, ...reference(1), ...reference(2)],
        ascii('key'),
        [0xa2, ...reference(3), ...reference(1)],
        [0x09],
      ];
      const value = new Map([['key', [true, 'key']]]);
      assert.deepEqual(decodeBinaryPlist(binaryPlist({ objects, referenceSize: size })), value);
    });
  }

  for (const size of [1, 2, 3, 4, 5, 6]) {
    test(`reads offsets of ${size} bytes`, () => {
      assert.deepEqual(decodeBinaryPlist(binaryPlist({ objects: [[0xa1, 1], [0x09]], offsetSize: size })), [true]);
    });
  }

  test('reads a set as an array', () => {
    assert.deepEqual(decodeBinaryPlist(binaryPlist({ objects: [[0xc2, 1, 1], [0x09]] })), [true, true]);
  });

  test('keeps the order of keys, also of those that look like integers', () => {
    const objects = [[0xd3, 1, 2, 3, 4, 4, 4], ascii('b'), ascii('10'), ascii('2'), [0x09]];
    const value = decodeBinaryPlist(binaryPlist({ objects })) as Map<string, PlistValue>;
    assert.deepEqual([...value.keys()], ['b', '10', '2']);
  });

  test('treats no key as special', () => {
    const objects = [
      [0xd2, 1, 2, 3, 3],
      ascii('__proto__'),
      ascii('constructor'),
      [0xd1, 4, 5],
      ascii('polluted'),
      [0x09],
    ];
    const value = decodeBinaryPlist(binaryPlist({ objects })) as Map<string, PlistValue>;
    assert.deepEqual([...value.keys()], ['__proto__', 'constructor']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  test('takes the last of two equal keys', () => {
    const objects = [[0xd2, 1, 2, 3, 4], ascii('a'), ascii('a'), [0x08], [0x09]];
    assert.deepEqual(decodeBinaryPlist(binaryPlist({ objects })), new Map([['a', true]]));
  });

  test('gives data of their own memory', () => {
    const bytes = binaryPlist({ objects: [[0x42, 1, 2]] });
    const value = decodeBinaryPlist(bytes) as Buffer;
    bytes.fill(0);
    assert.deepEqual(value, Buffer.of(1, 2));
    assert.equal(value.buffer.byteLength, 2);
  });

  test('reads a view into a larger buffer', () => {
    const bytes = binaryPlist({ objects: [ascii('abc')] });
    const larger = new Uint8Array(bytes.length + 20).fill(0xee);
    larger.set(bytes, 7);
    assert.equal(decodeBinaryPlist(larger.subarray(7, 7 + bytes.length)), 'abc');
  });

  test('tells keys apart that share a place in its table of known keys', () => {
    // More keys than the table has places, twice, so that each is looked up behind another.
    const keys = Array.from({ length: 5000 }, (_, index) => `k${index}`);
    for (let round = 0; round < 2; round++) {
      for (const key of keys) {
        const value = decodeBinaryPlist(binaryPlist({ objects: [[0xd1, 1, 2], ascii(key), [0x09]] })) as Map<
          string,
          PlistValue
        >;
        assert.equal([...value.keys()][0], key);
      }
    }
  });
});
