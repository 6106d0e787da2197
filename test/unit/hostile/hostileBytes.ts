import fc from 'fast-check';

/** Values that lengths and counts are made of when somebody means harm. */
const ODD = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One change of the bytes: what reaches the deep parts of a parser, where random bytes never come. */
type Change =
  | { readonly kind: 'flip'; readonly at: number; readonly with: number }
  | { readonly kind: 'number'; readonly at: number; readonly value: number; readonly little: boolean }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

/**
 * Sound bytes with up to eight changes, and now and then bytes that are random from the start.
 * @param sound What the parser understands.
 */
export function hostileBytes(...sound: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: place, with: fc.integer({ min: 1, max: 255 }) }),
    fc.record({
      kind: fc.constant('number' as const),
      at: place,
      value: fc.constantFrom(...ODD),
      little: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('cut' as const), at: place }),
    fc.record({ kind: fc.constant('repeat' as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
    fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ maxLength: 32 }) }),
  );
  const changed = fc
    .tuple(fc.constantFrom(...sound), fc.array(change, { maxLength: 8 }))
    .map(([bytes, changes]) => changes.reduce(apply, bytes));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ arbitrary: changed, weight: 9 }, { arbitrary: random, weight: 1 });
}

function apply(bytes: Buffer, change: Change): Buffer {
  const at = Math.floor(change.at * bytes.length);
  switch (change.kind) {
    case 'flip': {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = (copy[at] as number) ^ change.with;
      return copy;
    }
    case 'number': {
      const copy = Buffer.from(bytes);
      if (at + 4 > copy.length) return copy;
      if (change.little) copy.writeUInt32LE(change.value, at);
      else copy.writeUInt32BE(change.value, at);
      return copy;
    }
    case 'cut':
      return bytes.subarray(0, at);
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, at + change.length), bytes.subarray(at)]);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)]);
  }
}
