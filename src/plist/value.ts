/** A property list in memory. Dictionaries are maps: they keep their order, and no key is special. */
export type PlistValue =
  | string
  | number // integers; for encoding also reals with a fraction. Decoded reals are always PlistReal: see numberOf()
  | bigint // integers beyond ±2^53
  | boolean
  | Date
  | Uint8Array
  | PlistReal
  | PlistUid
  | null
  | PlistArray
  | PlistDict;

export type PlistArray = readonly PlistValue[];
export type PlistDict = ReadonlyMap<string, PlistValue>;

/**
 * A real. It stays one on the wire even when it is whole, such as a protocol version 2.0, and every decoded real is one,
 * so that a list that is read and written again keeps its types.
 */
export class PlistReal {
  constructor(readonly value: number) {}
}

/** A reference in a keyed archive. */
export class PlistUid {
  constructor(readonly value: number) {}
}

/** Builds a dictionary; keys whose value is undefined are left out. */
export function dict(entries: Readonly<Record<string, PlistValue | undefined>>): PlistDict {
  const map = new Map<string, PlistValue>();
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) map.set(key, value);
  return map;
}

/** `instanceof Map` alone would lose the types of keys and values. */
export function isDict(value: PlistValue | undefined): value is PlistDict {
  return value instanceof Map;
}

/** Array.isArray() alone would make the elements `any`. */
export function isArray(value: PlistValue | undefined): value is PlistArray {
  return Array.isArray(value);
}
