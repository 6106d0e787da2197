import { PlistReal, PlistUid, type PlistValue, isDict } from './value';

export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [key: string]: PlainValue };

/**
 * A value as JSON can hold it, to be read by people and programs that know no property lists: dates as ISO strings,
 * data as base64, integers beyond ±2^53 as decimal strings, a UID as `{"CF$UID": n}`, not-a-number and infinities as null.
 * Keys that look like integers move to the front: where order matters, use the maps.
 */
export function toPlain(value: PlistValue): PlainValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof PlistReal) return Number.isFinite(value.value) ? value.value : null;
  if (value instanceof PlistUid) return { CF$UID: value.value };
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (isDict(value)) {
    const plain: Record<string, PlainValue> = {};
    for (const [key, entry] of value) {
      // defineProperty: a key __proto__ becomes a field like any other.
      Object.defineProperty(plain, key, {
        value: toPlain(entry),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return plain;
  }
  return value.map(toPlain);
}
