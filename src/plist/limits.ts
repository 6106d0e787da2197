/** How much a property list may ask of us. A list above any of these is refused before memory is taken for it. */
export interface PlistLimits {
  /** Length of the file or message in bytes. */
  readonly maxBytes: number;
  /** Values and keys, an object that is shared counted at each of its uses: readers walk it that often. */
  readonly maxObjects: number;
  /** Dictionaries and arrays inside each other. */
  readonly maxDepth: number;
  /** Bytes of strings and data, shared ones counted at each use: what the list would need if written out in full. */
  readonly maxExpandedBytes: number;
}

/** A listing or a MoveItems message of 100,000 entries has about 1 million objects and 20 MiB. */
export const DEFAULT_LIMITS: PlistLimits = {
  maxBytes: 128 * 1024 * 1024,
  maxObjects: 2_000_000,
  maxDepth: 256,
  maxExpandedBytes: 512 * 1024 * 1024,
};
