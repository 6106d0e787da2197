import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import {
  asArray,
  asBigInt,
  asBool,
  asData,
  asDate,
  asDict,
  asInteger,
  asNumber,
  asString,
  asUid,
  dict,
  getInteger,
  getOptionalString,
  getString,
  numberOf,
  PlistError,
  PlistReal,
  PlistUid,
  type PlistValue,
  toPlain,
} from '../../../src/plist';

const samples: Readonly<Record<string, PlistValue>> = {
  string: 'x',
  integer: 5,
  large: 2n ** 60n,
  real: new PlistReal(0.5),
  whole: new PlistReal(2),
  infinite: new PlistReal(Infinity),
  bool: true,
  date: new Date(0),
  data: Uint8Array.of(1),
  uid: new PlistUid(1),
  array: [1],
  dict: dict({ a: 1 }),
  null: null,
};

describe('readers of fields', () => {
  const takes: readonly [
    string,
    (value: PlistValue | undefined, what: string) => unknown,
    Readonly<Record<string, unknown>>,
  ][] = [
    ['asString', asString, { string: 'x' }],
    ['asBool', asBool, { bool: true }],
    ['asDate', asDate, { date: new Date(0) }],
    ['asData', asData, { data: Buffer.of(1) }],
    ['asUid', asUid, { uid: 1 }],
    ['asArray', asArray, { array: [1] }],
    ['asDict', asDict, { dict: dict({ a: 1 }) }],
    ['asNumber', asNumber, { integer: 5, real: 0.5, whole: 2 }],
    ['asInteger', asInteger, { integer: 5, whole: 2 }],
    ['asBigInt', asBigInt, { integer: 5n, whole: 2n, large: 2n ** 60n }],
  ];
  for (const [name, reader, taken] of takes) {
    test(`${name}() takes ${Object.keys(taken).join(', ')} and nothing else`, () => {
      for (const [kind, value] of Object.entries(samples)) {
        if (kind in taken) assert.deepEqual(reader(value, 'field'), taken[kind]);
        else assert.throws(() => reader(value, 'field'), /^PlistError: field is .*; expected /);
      }
      assert.throws(() => reader(undefined, 'field'), /^PlistError: field is missing; expected /);
    });
  }

  test('numberOf() gives nothing for what is no number, or would lose digits', () => {
    const numbers = Object.entries(samples).map(([kind, value]) => [kind, numberOf(value)] as const);
    const found = numbers.filter(([, number]) => number !== undefined);
    assert.deepEqual(Object.fromEntries(found), { integer: 5, real: 0.5, whole: 2, infinite: Infinity });
    assert.equal(numberOf(7n), 7);
    assert.equal(numberOf(undefined), undefined);
  });

  test('name the field, and not its value', () => {
    const status = dict({ Version: 'secret' });
    assert.equal(getString(status, 'Version'), 'secret');
    assert.throws(
      () => getInteger(status, 'Version', 'Status.plist'),
      new PlistError('Status.plist.Version is a string; expected an integer within ±2^53'),
    );
    assert.throws(
      () => getString(status, 'Date', 'Status.plist'),
      new PlistError('Status.plist.Date is missing; expected a string'),
    );
    assert.throws(() => getString(status, 'Date'), new PlistError('Date is missing; expected a string'));
    assert.throws(() => getString(dict({ Size: 1.5 }), 'Size'), new PlistError('Size is a real; expected a string'));
  });

  test('take an absent optional field for undefined, and refuse one of another kind', () => {
    const info = dict({ Name: 5 });
    assert.equal(getOptionalString(info, 'Other'), undefined);
    assert.throws(
      () => getOptionalString(info, 'Name', 'Info.plist'),
      /Info\.plist\.Name is an integer; expected a string/,
    );
  });
});

describe('toPlain()', () => {
  test('gives what JSON can hold', () => {
    assert.deepEqual(toPlain(dict(samples)), {
      string: 'x',
      integer: 5,
      large: '1152921504606846976',
      real: 0.5,
      whole: 2,
      infinite: null,
      bool: true,
      date: '1970-01-01T00:00:00.000Z',
      data: 'AQ==',
      uid: { CF$UID: 1 },
      array: [1],
      dict: { a: 1 },
      null: null,
    });
  });

  test('gives null for what JSON has no form for', () => {
    const odd: PlistValue[] = [NaN, -Infinity, new PlistReal(NaN), new Date(NaN), null];
    assert.deepEqual(toPlain(odd), [null, null, null, null, null]);
    assert.deepEqual(toPlain([0.5, -3]), [0.5, -3]);
  });

  test('makes a field of __proto__', () => {
    const plain = toPlain(new Map([['__proto__', new Map([['polluted', true]])]]));
    assert.equal(JSON.stringify(plain), '{"__proto__":{"polluted":true}}');
  });
});
