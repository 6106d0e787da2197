import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistArray, type PlistDict, type PlistValue, isDict, isArray } from './value';

/*
 * Typed access to values that somebody else sent. Each reader throws a PlistError that names the field and the kind of
 * value that was found, never the value: it may be a secret.
 *
 * `asX(value, what)` looks at a value; `getX(dict, key, what?)` at a field that must be there; `getOptionalX` gives
 * undefined for an absent field and still refuses one of another kind.
 */

type Reader<T> = (value: PlistValue | undefined, what: string) => T;

/** An integer or a real as a JavaScript number; a bigint only within ±2^53, else undefined: no digit is lost silently. */
export function numberOf(value: PlistValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof PlistReal) return value.value;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : undefined;
  }
  return undefined;
}

export const asDict: Reader<PlistDict> = (value, what) => {
  if (isDict(value)) return value;
  throw wrongKind(what, 'a dictionary', value);
};

export const asArray: Reader<PlistArray> = (value, what) => {
  if (isArray(value)) return value;
  throw wrongKind(what, 'an array', value);
};

export const asString: Reader<string> = (value, what) => {
  if (typeof value === 'string') return value;
  throw wrongKind(what, 'a string', value);
};

export const asBool: Reader<boolean> = (value, what) => {
  if (typeof value === 'boolean') return value;
  throw wrongKind(what, 'a boolean', value);
};

/** Data as a Buffer over the same memory. */
export const asData: Reader<Buffer> = (value, what) => {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw wrongKind(what, 'data', value);
};

export const asDate: Reader<Date> = (value, what) => {
  if (value instanceof Date) return value;
  throw wrongKind(what, 'a date', value);
};

export const asUid: Reader<number> = (value, what) => {
  if (value instanceof PlistUid) return value.value;
  throw wrongKind(what, 'a UID', value);
};

/** An integer within ±2^53, or a real that is finite. */
export const asNumber: Reader<number> = (value, what) => {
  const number = numberOf(value);
  if (number !== undefined && Number.isFinite(number)) return number;
  throw wrongKind(what, 'a number', value);
};

/** A whole number within ±2^53; a real that is whole passes (some tools write reals where integers belong). */
export const asInteger: Reader<number> = (value, what) => {
  const number = numberOf(value);
  if (number !== undefined && Number.isSafeInteger(number)) return number;
  throw wrongKind(what, 'an integer within ±2^53', value);
};

/** An integer of any size. */
export const asBigInt: Reader<bigint> = (value, what) => {
  if (typeof value === 'bigint') return value;
  const number = numberOf(value);
  if (number !== undefined && Number.isSafeInteger(number)) return BigInt(number);
  throw wrongKind(what, 'an integer', value);
};

export const getDict = required(asDict);
export const getArray = required(asArray);
export const getString = required(asString);
export const getBool = required(asBool);
export const getData = required(asData);
export const getDate = required(asDate);
export const getUid = required(asUid);
export const getNumber = required(asNumber);
export const getInteger = required(asInteger);
export const getBigInt = required(asBigInt);

export const getOptionalDict = optional(asDict);
export const getOptionalArray = optional(asArray);
export const getOptionalString = optional(asString);
export const getOptionalBool = optional(asBool);
export const getOptionalData = optional(asData);
export const getOptionalDate = optional(asDate);
export const getOptionalUid = optional(asUid);
export const getOptionalNumber = optional(asNumber);
export const getOptionalInteger = optional(asInteger);
export const getOptionalBigInt = optional(asBigInt);

/** @param what Names the dictionary in the error: `Manifest.plist` gives `Manifest.plist.Version is missing`. */
function required<T>(read: Reader<T>): (dict: PlistDict, key: string, what?: string) => T {
  return (dict, key, what) => read(dict.get(key), what === undefined ? key : `${what}.${key}`);
}

function optional<T>(read: Reader<T>): (dict: PlistDict, key: string, what?: string) => T | undefined {
  return (dict, key, what) => {
    const value = dict.get(key);
    return value === undefined ? undefined : read(value, what === undefined ? key : `${what}.${key}`);
  };
}

function wrongKind(what: string, expected: string, found: PlistValue | undefined): PlistError {
  if (found === undefined) return new PlistError(`${what} is missing; expected ${expected}`);
  return new PlistError(`${what} is ${kindOf(found)}; expected ${expected}`);
}

function kindOf(value: PlistValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'bigint') return 'an integer beyond ±2^53';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a real';
  if (value instanceof PlistReal) return 'a real';
  if (value instanceof PlistUid) return 'a UID';
  if (value instanceof Date) return 'a date';
  if (value instanceof Uint8Array) return 'data';
  return isDict(value) ? 'a dictionary' : 'an array';
}
