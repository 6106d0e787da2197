import { SaxesParser } from 'saxes';
import { DEFAULT_LIMITS, type PlistLimits } from './limits';
import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistValue } from './value';
import { checkXmlCost } from './xmlGuard';
import { xmlText } from './xmlText';

/** `version` is the only one there is. */
const MAX_ATTRIBUTES = 16;

/**
 * Reads an XML property list. Entities other than XML's own five and character references are errors, and so is a
 * DOCTYPE with declarations: nothing expands. What XML cannot hold is replaced, see `xmlText()`. When a key occurs
 * twice the last value counts.
 *
 * `<real>` comes as PlistReal, `<integer>` (also 0x…) as number or bigint, a dictionary of only `CF$UID` as PlistUid.
 * @throws PlistError
 */
export function decodeXmlPlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  const { maxBytes, maxObjects, maxDepth } = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.length > maxBytes)
    throw new PlistError(`property list of ${bytes.length} bytes; at most ${maxBytes} are read`);
  const text = xmlText(bytes);
  checkXmlCost(text, maxObjects);

  const builder = new TreeBuilder(maxObjects, maxDepth);
  const parser = new SaxesParser({ position: false });
  const place = (): number => parser.position;
  let attributes = 0;
  parser.on('error', (error) => {
    throw new PlistError(`XML: ${error.message}`, place());
  });
  parser.on('attribute', () => {
    if (++attributes > MAX_ATTRIBUTES) throw new PlistError('too many attributes', place());
  });
  parser.on('opentag', ({ name }) => builder.open(name, place()));
  parser.on('closetag', ({ name }) => builder.close(name, place()));
  parser.on('text', (content) => builder.text(content, place()));
  parser.on('cdata', (content) => builder.text(content, place()));
  parser.write(text).close();
  return builder.result();
}

const CONTAINERS = new Set(['dict', 'array']);
const SCALARS = new Set(['key', 'string', 'integer', 'real', 'true', 'false', 'date', 'data']);

interface OpenContainer {
  readonly name: string;
  readonly value: Map<string, PlistValue> | PlistValue[];
  /** Of a dictionary: the key that waits for its value. */
  key: string | undefined;
}

class TreeBuilder {
  private readonly stack: OpenContainer[] = [];
  private objects = 0;
  /** Name and text of the scalar that is open. */
  private scalar: string | undefined;
  private content = '';
  private inPlist = false;
  private root: PlistValue | undefined;

  constructor(
    private readonly maxObjects: number,
    private readonly maxDepth: number,
  ) {}

  open(name: string, place: number): void {
    if (this.scalar !== undefined) throw new PlistError(`<${name}> inside <${this.scalar}>`, place);
    if (name === 'plist') {
      if (this.inPlist || this.stack.length > 0) throw new PlistError('<plist> inside the property list', place);
      this.inPlist = true;
      return;
    }
    const isContainer = CONTAINERS.has(name);
    if (!isContainer && !SCALARS.has(name)) throw new PlistError(`unknown element <${shorten(name)}>`, place);
    if (++this.objects > this.maxObjects) throw new PlistError(`more than ${this.maxObjects} objects`, place);
    this.checkPlace(name, place);
    if (isContainer) {
      if (this.stack.length >= this.maxDepth) throw new PlistError(`more than ${this.maxDepth} levels`, place);
      this.stack.push({ name, value: name === 'dict' ? new Map<string, PlistValue>() : [], key: undefined });
    } else {
      this.scalar = name;
      this.content = '';
    }
  }

  close(name: string, place: number): void {
    if (name === 'plist') return;
    if (this.scalar === undefined) {
      const { value, key } = this.stack.pop()!;
      if (key !== undefined) throw new PlistError('the last key of a dictionary has no value', place);
      this.add(value instanceof Map ? uidOrDict(value) : value);
      return;
    }
    const content = this.content;
    this.scalar = undefined;
    this.content = '';
    const top = this.stack.at(-1);
    if (name === 'key') top!.key = content;
    else this.add(readScalar(name, content, place));
  }

  text(content: string, place: number): void {
    if (this.scalar !== undefined) this.content += content;
    else if (/[^ \t\r\n]/.test(content)) throw new PlistError('text between the elements', place);
  }

  result(): PlistValue {
    if (this.root === undefined) throw new PlistError('the property list holds no value');
    return this.root;
  }

  private checkPlace(name: string, place: number): void {
    const top = this.stack.at(-1);
    if (name === 'key') {
      if (!(top?.value instanceof Map)) throw new PlistError('<key> outside a dictionary', place);
      if (top.key !== undefined) throw new PlistError('a key follows a key', place);
    } else if (top === undefined) {
      if (this.root !== undefined) throw new PlistError('more than one value at the top', place);
    } else if (top.value instanceof Map && top.key === undefined) {
      throw new PlistError(`<${name}> without a key`, place);
    }
  }

  private add(value: PlistValue): void {
    const top = this.stack.at(-1);
    if (top === undefined) {
      this.root = value;
    } else if (top.value instanceof Map) {
      top.value.set(top.key!, value);
      top.key = undefined;
    } else {
      top.value.push(value);
    }
  }
}

function readScalar(name: string, content: string, place: number): PlistValue {
  switch (name) {
    case 'string':
      return content;
    case 'integer':
      return readInteger(content, place);
    case 'real':
      return readReal(content, place);
    case 'date':
      return readDate(content, place);
    case 'data':
      return readData(content, place);
    default:
      if (/[^ \t\r\n]/.test(content)) throw new PlistError(`<${name}> with text inside`, place);
      return name === 'true';
  }
}

/** 128 bits have at most 39 decimal digits; longer ones would take quadratic time. */
const LONGEST_INTEGER = 48;

function readInteger(content: string, place: number): number | bigint {
  const text = content.trim();
  const match = text.length <= LONGEST_INTEGER ? /^([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)$/.exec(text) : null;
  if (match === null) throw new PlistError('<integer> without an integer', place);
  const size = BigInt(match[2]!);
  const value = match[1] === '-' ? -size : size;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readReal(content: string, place: number): PlistReal {
  const text = content.trim().toLowerCase();
  if (text.length <= 1024) {
    if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) return new PlistReal(Number(text));
    const special = /^([+-]?)(?:(nan)|inf(?:inity)?)$/.exec(text);
    if (special !== null) return new PlistReal(special[2] ? NaN : special[1] === '-' ? -Infinity : Infinity);
  }
  throw new PlistError('<real> without a number', place);
}

function readDate(content: string, place: number): Date {
  // libplist does not pad years before 1000; fractions of a second are not in the format, but some tools write them.
  const match = /^(\d{1,4})(-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)$/.exec(content.trim());
  const date = new Date(match === null ? NaN : match[1]!.padStart(4, '0') + match[2]!);
  if (Number.isNaN(date.getTime())) throw new PlistError('<date> without a date', place);
  return date;
}

/** Buffer.from() skips what is not base64, so a damaged value would shrink silently: each character is looked at. */
function readData(content: string, place: number): Buffer {
  let digits = 0;
  let padding = 0;
  for (let i = 0; i < content.length; i++) {
    const code = content.charCodeAt(i);
    if (code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d) continue;
    if (code === 0x3d) padding++;
    else if (BASE64_DIGITS[code] === 1 && padding === 0) digits++;
    else throw new PlistError('<data> without base64', place);
  }
  if (digits % 4 === 1 || padding > 2) throw new PlistError('<data> cut short', place);
  return Buffer.from(content, 'base64');
}

/** By character code. */
const BASE64_DIGITS = new Uint8Array(128);
for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  BASE64_DIGITS[digit.charCodeAt(0)] = 1;

/** In XML a UID is written as a dictionary. */
function uidOrDict(dict: Map<string, PlistValue>): PlistValue {
  const uid = dict.size === 1 ? dict.get('CF$UID') : undefined;
  return typeof uid === 'number' && uid >= 0 && uid <= 0xffff_ffff ? new PlistUid(uid) : dict;
}

function shorten(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : name;
}
