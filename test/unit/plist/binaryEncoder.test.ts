import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import {
  decodeBinaryPlist,
  dict,
  encodeBinaryPlist,
  PlistError,
  PlistReal,
  PlistUid,
  type PlistValue,
} from '../../../src/plist';
import { fromHex } from './bytes';

/** The bytes of the top object, when it is a scalar. */
function object(value: PlistValue): string {
  const bytes = encodeBinaryPlist(value);
  return bytes.subarray(8, bytes.length - 33).toString('hex');
}

describe('encodeBinaryPlist()', () => {
  test("writes the host's DLVersionsOk reply as the common client does", () => {
    assert.deepEqual(
      encodeBinaryPlist(['DLMessageVersionExchange', 'DLVersionsOk', 400]),
      fromHex(`62706C6973743030 A3010203
        5F1018 444C4D65737361676556657273696F6E45786368616E6765 5C 444C56657273696F6E734F6B 110190
        080C2734 000000000000 0101 0000000000000004 0000000000000000 0000000000000037`),
    );
  });

  test('writes the everyday status reply as the common client does', () => {
    const bytes = encodeBinaryPlist(['DLMessageStatusResponse', 0, '___EmptyParameterString___', dict({})]);
    assert.equal(bytes.length, 108);
    assert.deepEqual(
      bytes,
      fromHex(`62706C6973743030 A401020304 5F1017 444C4D657373616765537461747573526573706F6E7365
        1000 5F101A 5F5F5F456D707479506172616D65746572537472696E675F5F5F D0
        080D272946 000000000000 0101 0000000000000005 0000000000000000 0000000000000047`),
    );
  });

  const cases: readonly [string, PlistValue, string][] = [
    ['0', 0, '1000'],
    ['-0', -0, '1000'],
    ['255', 255, '10ff'],
    ['256', 256, '110100'],
    ['65536', 65536, '1200010000'],
    ['2^32 - 1', 0xffff_ffff, '12ffffffff'],
    ['2^32', 0x1_0000_0000, '130000000100000000'],
    ['a small bigint', 5n, '1005'],
    ['2^63 - 1', 2n ** 63n - 1n, '137fffffffffffffff'],
    ['2^63: 16 bytes', 2n ** 63n, '1400000000000000008000000000000000'],
    ['2^64 - 1: 16 bytes', 2n ** 64n - 1n, '140000000000000000ffffffffffffffff'],
    ['-13: 8 bytes', -13, '13fffffffffffffff3'],
    ['-2^63', -(2n ** 63n), '138000000000000000'],
    ['a whole real: 8 bytes, and no integer', new PlistReal(2), '234000000000000000'],
    ['a number with a fraction', 2.1, '234000cccccccccccd'],
    ['true', true, '09'],
    ['false', false, '08'],
    ['null', null, '00'],
    ['a date', new Date('2001-01-01T00:00:01.500Z'), '333ff8000000000000'],
    ['ASCII', 'abc', '53616263'],
    ['15 characters: the count follows', 'abcdefghijklmno', '5f100f6162636465666768696a6b6c6d6e6f'],
    ['UTF-16', 'é😀', '6300e9d83dde00'],
    ['a lone surrogate', '\ud800', '61d800'],
    ['data', Uint8Array.of(1, 2), '420102'],
    ['a UID', new PlistUid(1), '8001'],
    ['a UID of two bytes', new PlistUid(0x100), '810100'],
    ['a UID of four bytes', new PlistUid(0x10000), '8300010000'],
  ];
  for (const [name, value, hex] of cases) {
    test(`writes ${name}`, () => assert.equal(object(value), hex));
  }

  test('writes key references before value references, in the order of the map', () => {
    const bytes = encodeBinaryPlist(
      new Map<string, PlistValue>([
        ['10', 1],
        ['2', 2],
      ]),
    );
    assert.equal(bytes.subarray(8).toString('hex').slice(0, 10), 'd201030204');
    assert.deepEqual([...(decodeBinaryPlist(bytes) as Map<string, PlistValue>).keys()], ['10', '2']);
  });

  for (const count of [14, 15, 254, 255, 256, 65_534, 65_535, 70_000]) {
    test(`writes ${count} entries with references and offsets of the size they need`, () => {
      const value = Array.from({ length: count }, (_, index) => index);
      assert.deepEqual(decodeBinaryPlist(encodeBinaryPlist(value)), value);
    });
  }

  test('refuses what has no form', () => {
    let deep: PlistValue = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const refused: readonly [PlistValue, RegExp][] = [
      [new Date(NaN), /invalid date/],
      [2 ** 53, /must be a bigint/],
      [2n ** 127n, /beyond 128 bits/],
      [new PlistUid(-1), /UID/],
      [new PlistUid(0x1_0000_0000), /UID/],
      [new PlistUid(0.5), /UID/],
      [deep, /more than 256 levels/],
      [nestedDict(256), /more than 256 levels/],
      [undefined as unknown as PlistValue, /type undefined/],
      [{ plain: 'object' } as unknown as PlistValue, /type object/],
    ];
    for (const [value, message] of refused) {
      assert.throws(
        () => encodeBinaryPlist([value]),
        (error) => error instanceof PlistError && message.test(error.message),
      );
    }
  });
});

/** So many dictionaries, each in the other. */
function nestedDict(levels: number): PlistValue {
  return levels === 1 ? dict({ key: 'value' }) : dict({ key: nestedDict(levels - 1) });
}
