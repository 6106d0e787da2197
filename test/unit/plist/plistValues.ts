import fc from 'fast-check';
import { PlistReal, PlistUid, type PlistValue } from '../../../src/plist';

/** Which values to make: not every writer, ours or another's, has a form for all of them. */
export interface ValueOptions {
  /** Only binary lists have null. */
  readonly nulls: boolean;
  /** Any UTF-16 units; without: characters that XML can hold. */
  readonly anyText: boolean;
  /** Whole seconds of the years 1 to 9999; without: milliseconds. */
  readonly wholeSeconds: boolean;
  /** Not-a-number and infinities. */
  readonly specialReals: boolean;
  /** From 2^63 on; libplist before 2.3 has none of them in XML. */
  readonly unsigned64: boolean;
  /** Keyed archives' references; other programs' XML has no form of its own for them. */
  readonly uids: boolean;
  /** As a key: some libraries take it for the prototype of the dictionary. */
  readonly protoKeys: boolean;
}

export const ANY: ValueOptions = {
  nulls: true,
  anyText: true,
  wholeSeconds: false,
  specialReals: true,
  unsigned64: true,
  uids: true,
  protoKeys: true,
};
export const ANY_IN_XML: ValueOptions = { ...ANY, nulls: false, anyText: false, wholeSeconds: true };

export function plistValue(options: ValueOptions): fc.Arbitrary<PlistValue> {
  const text = plistText(options);
  const date = fc
    .date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
    .map((exact) => (options.wholeSeconds ? new Date(Math.floor(exact.getTime() / 1000) * 1000) : exact));
  const { node } = fc.letrec<{ node: PlistValue }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      integer(options),
      fc
        .double({ noNaN: !options.specialReals, noDefaultInfinity: !options.specialReals })
        .map((value) => new PlistReal(value)),
      fc.boolean(),
      date,
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      ...(options.uids ? [fc.nat(0xffff_ffff).map((value) => new PlistUid(value))] : []),
      ...(options.nulls ? [fc.constant(null)] : []),
      fc.array(tie('node'), { maxLength: 20 }),
      fc.array(fc.tuple(key(text, options), tie('node')), { maxLength: 20 }).map((entries) => new Map(entries)),
    ),
  }));
  return node;
}

/** Integers at the borders of their encodings; as number where it is exact, like the decoders give them. */
function integer({ unsigned64 }: ValueOptions): fc.Arbitrary<number | bigint> {
  const borders = [8n, 16n, 32n, 53n, 63n].map((bits) => 2n ** bits);
  // From 2^64 − 2^31 on, 16 bytes are read as the negative number that they stand for.
  const max = unsigned64 ? 2n ** 64n - 2n ** 31n - 1n : 2n ** 63n - 1n;
  return fc
    .oneof(
      fc.bigInt({ min: -(2n ** 63n), max }),
      fc.integer().map(BigInt),
      fc
        .tuple(fc.constantFrom(...borders), fc.bigInt({ min: -2n, max: 2n }), fc.constantFrom(1n, -1n))
        .map(([border, by, sign]) => {
          const value = sign * border + by;
          return value > max || value < -(2n ** 63n) ? border - 3n : value;
        }),
    )
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
}

function plistText({ anyText }: ValueOptions): fc.Arbitrary<string> {
  const characters = fc.string({ unit: 'grapheme', maxLength: 40 });
  const marked = fc.constantFrom(
    '',
    ' ',
    ' a\tb\n ',
    '\r\n',
    '&amp;<>"\']]>',
    '0',
    '10',
    '__proto__',
    'constructor',
    'é',
    '😀',
    'x'.repeat(300),
  );
  if (!anyText) return fc.oneof(characters, marked);
  const units = fc.array(fc.nat(0xffff), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));
  return fc.oneof(characters, marked, units);
}

/** `{CF$UID: 1}` is how XML writes a UID: as a dictionary it cannot be told apart. */
function key(text: fc.Arbitrary<string>, { protoKeys }: ValueOptions): fc.Arbitrary<string> {
  return text.filter((value) => value !== 'CF$UID' && (protoKeys || value !== '__proto__'));
}

/**
 * A value as nested arrays of strings that say type and content exactly: equal for equal values whoever decoded them,
 * and readable in a failure. `oracle.py` makes the same form. Dictionaries keep their order.
 */
export type Canonical = string | readonly Canonical[];

export function canonical(value: PlistValue): Canonical {
  if (value === null) return 'null';
  if (typeof value === 'string') return `string ${value}`;
  if (typeof value === 'boolean') return `bool ${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `integer ${value}`;
  if (value instanceof PlistReal) return `real ${realBits(value.value)}`;
  if (value instanceof PlistUid) return `uid ${value.value}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Uint8Array) return `data ${Buffer.from(value).toString('hex')}`;
  if (value instanceof Map)
    return ['dict', ...[...(value as Map<string, PlistValue>)].map(([name, entry]) => [name, canonical(entry)])];
  return ['array', ...(value as readonly PlistValue[]).map(canonical)];
}

function realBits(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}
