import { SaxesParser } from 'saxes';
import { DEFAULT_LIMITS, type PlistLimits } from './limits';
import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistValue } from './value';
import { FORBIDDEN_CHARACTERS } from './xmlCharacters';

/**
 * Reads an XML property list. Entities other than XML's own five and character references are errors, and so is a
 * DOCTYPE that declares any: nothing expands. Characters that XML forbids become spaces, because very old firmware
 * sends them inside strings. When a key occurs twice the last value counts.
 *
 * `<real>` comes as PlistReal, `<integer>` (also 0x…) as number or bigint, a dictionary of only `CF$UID` as PlistUid.
 * @throws PlistError
 */
export function decodeXmlPlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  const maxBytes = limits.maxBytes ?? DEFAULT_LIMITS.maxBytes;
  if (bytes.length > maxBytes)
    throw new PlistError(`property list of ${bytes.length} bytes; at most ${maxBytes} are read`);
  const text = decodeText(bytes).replace(FORBIDDEN_CHARACTERS, ' ');
  const builder = new TreeBuilder(
    limits.maxObjects ?? DEFAULT_LIMITS.maxObjects,
    limits.maxDepth ?? DEFAULT_LIMITS.maxDepth,
  );
  builder.checkReferences(text);

  const parser = new SaxesParser({ position: false });
  const place = (): number => parser.position;
  parser.on('error', (error) => {
    throw new PlistError(`XML: ${error.message}`, place());
  });
  parser.on('doctype', (doctype) => {
    if (/<!ENTITY/i.test(doctype)) throw new PlistError('the document type declares entities', place());
  });
  parser.on('opentag', ({ name }) => builder.open(name, place()));
  parser.on('closetag', ({ name }) => builder.close(name, place()));
  parser.on('text', (content) => builder.text(content, place()));
  parser.on('cdata', (content) => builder.text(content, place()));
  parser.write(text).close();
  return builder.result();
}

/** UTF-8 unless a byte-order mark says UTF-16. Leading whitespace is dropped: XML allows none before its declaration. */
function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  // TextDecoder removes the mark, and puts U+FFFD for what is not UTF-8: one odd name must not hide a whole file.
  return new TextDecoder(encoding).decode(bytes).trimStart();
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

  /** Each `&…;` costs the parser an allocation, so they count as objects. */
  checkReferences(text: string): void {
    let count = 0;
    for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
      if (++count > this.maxObjects) throw new PlistError(`more than ${this.maxObjects} character references`, at);
    }
  }

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

function readData(content: string, place: number): Buffer {
  // Buffer.from() skips what is not base64, so a damaged value would shrink silently: look first.
  const text = content.replace(/[ \t\r\n]+/g, '');
  if (text.length % 4 === 1 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new PlistError('<data> without base64', place);
  return Buffer.from(text, 'base64');
}

/** In XML a UID is written as a dictionary. */
function uidOrDict(dict: Map<string, PlistValue>): PlistValue {
  const uid = dict.size === 1 ? dict.get('CF$UID') : undefined;
  return typeof uid === 'number' && uid >= 0 && uid <= 0xffff_ffff ? new PlistUid(uid) : dict;
}

function shorten(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : name;
}
