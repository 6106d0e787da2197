/**
 * The same few keys come in every message and archive: looked up by their bytes, they cost less than new strings.
 * Values are only looked up, never added: they may be secrets.
 */
const KNOWN_TEXTS = new Array<string>(1024).fill('');
const LONGEST_KNOWN_TEXT = 32;

/** Class names that every keyed archive repeats as values. */
for (const name of ['$null', 'NSKeyedArchiver', 'NSObject', 'NSData', 'NSMutableData', 'NSDictionary', 'MBFile']) {
  shortText(Buffer.from(name, 'latin1'), 0, name.length, true);
}

/** Bytes said to be ASCII; other tools have written UTF-8 here. */
function asciiText(bytes: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return bytes.toString('utf8', start, end);
  return bytes.toString('latin1', start, end);
}

export function shortText(bytes: Buffer, start: number, end: number, isKey: boolean): string {
  const length = end - start;
  if (length > LONGEST_KNOWN_TEXT) return asciiText(bytes, start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = (hash ^ (hash >>> 10)) & (KNOWN_TEXTS.length - 1);
  const known = KNOWN_TEXTS[slot]!;
  if (known.length === length && isText(known, bytes, start)) return known;
  const text = asciiText(bytes, start, end);
  // A text with bytes above 0x7f has decoded to other characters, and would not be found again by its bytes.
  if (isKey && text.length === length && isText(text, bytes, start)) KNOWN_TEXTS[slot] = text;
  return text;
}

function isText(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
