import { DEFAULT_LIMITS } from './limits';
import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistValue, isDict, isArray } from './value';
import { FORBIDDEN_CHARACTERS } from './xmlCharacters';

/** Byte for byte as the common clients and Apple's tools write it. */
const HEADER = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`;
const MAX_DEPTH = DEFAULT_LIMITS.maxDepth;

/**
 * Writes an XML property list in Apple's layout: tabs, data in lines of at most 76 columns. Keys stay in the order of
 * the map. Fractions of a second are cut from dates: the format has none. Characters that XML cannot hold
 * (below 0x20 except tab and line ends) become spaces.
 * @throws PlistError for what has no XML form: null, an invalid date or one outside the years 0 to 9999, an unsafe
 * integer as number (use bigint), more than 256 levels.
 */
export function encodeXmlPlist(value: PlistValue): string {
  const lines: string[] = [];
  write(value, 0, lines);
  return `${HEADER}${lines.join('\n')}\n</plist>\n`;
}

function write(value: PlistValue, depth: number, lines: string[]): void {
  const indent = '\t'.repeat(depth);
  if (isDict(value)) {
    writeDict(value, depth, indent, lines);
  } else if (isArray(value)) {
    if (value.length === 0) lines.push(`${indent}<array/>`);
    else {
      if (depth >= MAX_DEPTH) throw tooDeep();
      lines.push(`${indent}<array>`);
      for (const entry of value) write(entry, depth + 1, lines);
      lines.push(`${indent}</array>`);
    }
  } else if (value instanceof Uint8Array) {
    lines.push(`${indent}<data>`);
    pushBase64(value, depth, indent, lines);
    lines.push(`${indent}</data>`);
  } else if (value instanceof PlistUid) {
    writeDict(new Map([['CF$UID', value.value]]), depth, indent, lines);
  } else {
    lines.push(indent + scalar(value));
  }
}

function writeDict(dict: ReadonlyMap<string, PlistValue>, depth: number, indent: string, lines: string[]): void {
  if (dict.size === 0) {
    lines.push(`${indent}<dict/>`);
    return;
  }
  if (depth >= MAX_DEPTH) throw tooDeep();
  lines.push(`${indent}<dict>`);
  for (const [key, entry] of dict) {
    lines.push(`${indent}\t<key>${escape(key)}</key>`);
    write(entry, depth + 1, lines);
  }
  lines.push(`${indent}</dict>`);
}

type Scalar = string | number | bigint | boolean | Date | PlistReal | null;

function scalar(value: Scalar): string {
  if (typeof value === 'string') return `<string>${escape(value)}</string>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (typeof value === 'bigint') return `<integer>${value}</integer>`;
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return `<real>${realText(value)}</real>`;
    if (!Number.isSafeInteger(value)) throw new PlistError('an integer beyond ±2^53 must be a bigint');
    return `<integer>${value}</integer>`;
  }
  if (value instanceof PlistReal) return `<real>${realText(value.value)}</real>`;
  if (value instanceof Date) return `<date>${dateText(value)}</date>`;
  throw new PlistError(
    value === null ? 'null cannot be written as XML' : `a value of type ${typeof value} cannot be written`,
  );
}

function realText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? '+infinity' : '-infinity';
  return Object.is(value, -0) ? '-0' : String(value);
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) throw new PlistError('an invalid date cannot be written');
  if (year < 0 || year > 9999) throw new PlistError(`a date of the year ${year} cannot be written`);
  return `${date.toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length)}Z`;
}

/** A tab counts as eight columns; lines never fall below four characters, nor break a group of four. */
function pushBase64(data: Uint8Array, depth: number, indent: string, lines: string[]): void {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  const width = Math.max(4, 76 - 8 * depth);
  for (let i = 0; i < text.length; i += width) lines.push(indent + text.slice(i, i + width));
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

/** A carriage return must be escaped too: an XML reader turns a bare one into a line feed. */
function escape(text: string): string {
  return text.replace(FORBIDDEN_CHARACTERS, ' ').replace(/[&<>\r]/g, (character) => ESCAPES[character]!);
}

function tooDeep(): PlistError {
  return new PlistError(`more than ${MAX_DEPTH} levels cannot be written`);
}
