/** A property list in memory. Dictionaries are maps: they keep their order, and no key is special. */
export type PlistValue =
  | string
  | number // integers, and reals read from a binary plist
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

/** A number that must be a real on the wire even when it is whole, such as a protocol version 2.0. */
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
