import type { Random } from '../faults/random';

/** Values that lengths and counts are made of when somebody means harm. */
const ODD = [0, 1, 2, 0x0f, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fffffff, 0x80000000, 0xffffffff];
const MAX_CHANGES = 8;
const MAX_LENGTH = 1 << 16;

/**
 * Sound bytes with some changes, which reach the deep parts of a parser, where random bytes never come; and now and then
 * bytes that are random from the start.
 * @param sound What the parser understands; not changed.
 */
export function hostileBytes(random: Random, sound: readonly Buffer[]): Buffer {
  if (random.below(20) === 0) return randomBytes(random, random.below(300));
  let bytes: Buffer = Buffer.from(random.pick(sound));
  for (let left = random.below(MAX_CHANGES + 1); left > 0; left--) bytes = changed(random, bytes, sound);
  return bytes.subarray(0, MAX_LENGTH);
}

function changed(random: Random, bytes: Buffer, sound: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 2:
      return writeNumber(random, bytes, at, random.pick(ODD));
    case 3:
      // A length or an offset that is nearly right.
      return writeNumber(random, bytes, at, Math.max(0, bytes.length + random.below(9) - 4));
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([bytes.subarray(0, at + 1 + random.below(64)), bytes.subarray(at)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), randomBytes(random, random.below(32)), bytes.subarray(at)]);
    case 7:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]);
    default: {
      const other = random.pick(sound);
      const from = random.below(other.length + 1);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random.below(128)), bytes.subarray(at)]);
    }
  }
}

function writeNumber(random: Random, bytes: Buffer, at: number, value: number): Buffer {
  const size = random.pick([1, 2, 4] as const);
  if (at + size > bytes.length) return bytes;
  const number = size === 4 ? value : value % 256 ** size;
  if (random.below(3) === 0) bytes.writeUIntLE(number, at, size);
  else bytes.writeUIntBE(number, at, size);
  return bytes;
}

function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}

const NAMES = ['type', 'udid', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', ''];
const TEXTS = [
  '',
  'x',
  '..',
  '/',
  '/etc/../x',
  'a\0b',
  '\ud800',
  '00008101-000A1B2C3D4E001E',
  'x'.repeat(5000),
  'C:\\x',
];
const NUMBERS = [0, -0, -1, 0.5, 1e308, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 2 ** 53 + 2];

const ODD_KINDS = [null, undefined, 7n, Symbol('x'), () => 'x', new Date(NaN)] as const;

/**
 * A value as JSON or a structured clone may carry it, of whatever kind.
 * @param names Fields that its reader asks for.
 * @param texts Texts that its reader knows.
 */
export function hostileValue(
  random: Random,
  names: readonly string[] = [],
  texts: readonly string[] = [],
  depth = 0,
): unknown {
  switch (random.below(depth > 3 ? 7 : 10)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return texts.length > 0 ? random.pick(texts) : 'x';
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.below(1000);
    case 4:
      return random.below(2) === 0;
    case 5:
      return ODD_KINDS[random.below(ODD_KINDS.length)];
    case 6:
      return String.fromCharCode(random.below(0x10000), random.below(0x10000));
    case 7:
      return Array.from({ length: random.below(4) }, () => hostileValue(random, names, texts, depth + 1));
    default: {
      const made: Record<string, unknown> =
        random.below(4) === 0 ? (Object.create(null) as Record<string, unknown>) : {};
      for (let left = random.below(6); left > 0; left--) {
        const name = names.length > 0 && random.below(4) > 0 ? random.pick(names) : random.pick(NAMES);
        // defineProperty: a field __proto__ is a field like any other.
        const value = hostileValue(random, names, texts, depth + 1);
        Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
      }
      return made;
    }
  }
}
