import type { PlistDict, PlistValue } from '../../plist';

/** The dictionary, or an empty one for anything else: for messages that are read leniently. */
export function dictOf(value: PlistValue | undefined): PlistDict {
  return value instanceof Map ? value : new Map<string, PlistValue>();
}

/** A text for the log; what is none is named by its type, not shown. */
export function shown(value: PlistValue | undefined): string {
  if (typeof value === 'string') return value.slice(0, 200);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}
