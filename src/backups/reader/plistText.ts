import {
  isArray,
  isDict,
  isPlistError,
  parsePlist,
  type PlistArray,
  type PlistDict,
  PlistReal,
  PlistUid,
  type PlistValue,
} from '../../plist';

/** Characters of the result; what is beyond is left out, and that is said. */
const MAX_LENGTH = 4 << 20;
const MAX_DEPTH = 100;
/** Bytes of data shown as hexadecimal digits. */
const MAX_HEX = 64;
const MAX_TEXT = 20_000;
const INDENT = '  ';
/** Seconds from 1970 to 2001, where Apple's clocks begin. */
const APPLE_EPOCH = 978_307_200;

/**
 * A property list as text to read, in the manner of YAML: dictionaries in their order, dates in UTC, data as hexadecimal
 * digits, property lists inside data opened, keyed archives put together again as the objects they were. Each object of
 * an archive is written out once, however often it is used, so that no archive grows without bounds.
 * @throws PlistError if the bytes are no property list.
 */
export function plistText(bytes: Uint8Array): string {
  const writer = new PlistWriter();
  writer.write(parsePlist(bytes));
  return writer.finish();
}

class PlistWriter {
  readonly #lines: string[] = [];
  #length = 0;
  #full = false;

  write(root: PlistValue): void {
    this.#value('', '', root, undefined, 0);
  }

  finish(): string {
    if (this.#full) this.#lines.push('# … more is left out');
    return `${this.#lines.join('\n')}\n`;
  }

  #line(text: string): void {
    if (this.#full) return;
    this.#length += text.length + 1;
    if (this.#length > MAX_LENGTH) this.#full = true;
    else this.#lines.push(text);
  }

  /** @param lead What stands before the value on its line: indentation, then `key: ` or `- `. */
  #value(
    lead: string,
    indent: string,
    value: PlistValue | undefined,
    archive: Archive | undefined,
    depth: number,
  ): void {
    if (this.#full) return;
    const scalar = scalarText(value);
    if (scalar !== undefined) return this.#line(lead + scalar);
    if (depth > MAX_DEPTH) return this.#line(`${lead}# … nested too deeply`);
    if (value instanceof PlistUid) return this.#reference(lead, indent, value, archive, depth);
    if (value instanceof Uint8Array) return this.#data(lead, indent, value, depth);
    if (isArray(value)) return this.#list(lead, indent, value, archive, depth);
    if (isDict(value)) {
      const found = archive ? undefined : Archive.of(value);
      if (found) return this.#archive(lead, indent, found, depth);
      return this.#dictionary(lead, indent, value, archive, depth);
    }
  }

  #dictionary(lead: string, indent: string, value: PlistDict, archive: Archive | undefined, depth: number): void {
    if (value.size === 0) return this.#line(`${lead}{}`);
    this.#head(lead);
    const inner = lead === '' ? indent : indent + INDENT;
    for (const [key, entry] of value) this.#value(`${inner}${keyText(key)}: `, inner, entry, archive, depth + 1);
  }

  #list(lead: string, indent: string, value: PlistArray, archive: Archive | undefined, depth: number): void {
    if (value.length === 0) return this.#line(`${lead}[]`);
    this.#head(lead);
    const inner = lead === '' ? indent : indent + INDENT;
    for (const entry of value) this.#value(`${inner}- `, inner, entry, archive, depth + 1);
  }

  #data(lead: string, indent: string, value: Uint8Array, depth: number): void {
    const nested = nestedPlist(value);
    if (nested === undefined) return this.#line(lead + dataText(value));
    this.#line(`${lead}# property list in ${value.length} bytes of data`);
    this.#value(`${indent}${INDENT}= `, indent + INDENT, nested, undefined, depth + 1);
  }

  #archive(lead: string, indent: string, archive: Archive, depth: number): void {
    this.#line(`${lead}# keyed archive`);
    const inner = lead === '' ? indent : indent + INDENT;
    for (const [key, entry] of archive.top) this.#value(`${inner}${keyText(key)}: `, inner, entry, archive, depth + 1);
  }

  #reference(lead: string, indent: string, uid: PlistUid, archive: Archive | undefined, depth: number): void {
    if (!archive) return this.#line(`${lead}# object ${uid.value}`);
    const object = archive.objects[uid.value];
    if (uid.value === 0) return this.#line(`${lead}null`);
    if (object === undefined) return this.#line(`${lead}# object ${uid.value} is missing`);
    if (!isDict(object)) return this.#value(lead, indent, object, archive, depth + 1);
    const simple = archive.simpleText(object);
    if (simple !== undefined) return this.#line(lead + simple);
    if (archive.written.has(uid.value)) return this.#line(`${lead}*${uid.value}`);
    archive.written.add(uid.value);
    const { className, mark } = { className: archive.className(object), mark: `&${uid.value}` };
    const items = archive.items(object);
    const pairs = archive.pairs(object);
    const inner = lead === '' ? indent : indent + INDENT;
    const data = object.get('NS.data') ?? object.get('NS.bytes');
    if (data instanceof Uint8Array) return this.#data(`${lead}${mark} `, indent, data, depth);
    this.#line(`${lead}${mark} !${className}`);
    if (pairs) {
      for (const [key, entry] of pairs) {
        const name = archive.simple(key);
        if (name !== undefined) this.#value(`${inner}${name}: `, inner, entry, archive, depth + 1);
        else {
          this.#value(`${inner}? `, inner, key, archive, depth + 1);
          this.#value(`${inner}: `, inner, entry, archive, depth + 1);
        }
      }
    } else if (items) {
      for (const entry of items) this.#value(`${inner}- `, inner, entry, archive, depth + 1);
    } else {
      for (const [key, entry] of object) {
        if (key !== '$class') this.#value(`${inner}${keyText(key)}: `, inner, entry, archive, depth + 1);
      }
    }
  }

  /** A container's own line; the one at the root has none. */
  #head(lead: string): void {
    if (lead !== '') this.#line(lead.trimEnd());
  }
}

/** NSKeyedArchiver's form: a flat list of objects that refer to each other by number. */
class Archive {
  /** Objects that have been written out. */
  readonly written = new Set<number>();

  private constructor(
    readonly top: PlistDict,
    readonly objects: PlistArray,
  ) {}

  static of(value: PlistDict): Archive | undefined {
    const [archiver, top, objects] = ['$archiver', '$top', '$objects'].map((key) => value.get(key));
    return typeof archiver === 'string' && isDict(top) && isArray(objects) ? new Archive(top, objects) : undefined;
  }

  follow(value: PlistValue | undefined): PlistValue | undefined {
    return value instanceof PlistUid ? this.objects[value.value] : value;
  }

  className(object: PlistDict): string {
    const description = this.follow(object.get('$class'));
    const name = isDict(description) ? description.get('$classname') : undefined;
    return typeof name === 'string' ? name : 'object';
  }

  /** Of arrays, sets and ordered sets. */
  items(object: PlistDict): PlistArray | undefined {
    const items = object.get('NS.objects');
    return isArray(items) && !object.has('NS.keys') ? items : undefined;
  }

  /** Of dictionaries. */
  pairs(object: PlistDict): readonly (readonly [PlistValue, PlistValue | undefined])[] | undefined {
    const [keys, values] = [object.get('NS.keys'), object.get('NS.objects')];
    return isArray(keys) && isArray(values) ? keys.map((key, index) => [key, values[index]]) : undefined;
  }

  /** A dictionary's key on one line; undefined if it needs more. */
  simple(value: PlistValue): string | undefined {
    const found = this.follow(value);
    if (typeof found === 'string') return keyText(found);
    return isDict(found) ? this.simpleText(found) : scalarText(found);
  }

  /** Objects that are one value: dates, UUIDs, addresses, strings. */
  simpleText(object: PlistDict): string | undefined {
    const time = object.get('NS.time');
    if (time !== undefined) return dateText(time instanceof PlistReal ? time.value : Number(time));
    const uuid = object.get('NS.uuidbytes');
    if (uuid instanceof Uint8Array && uuid.length === 16) {
      return Buffer.from(uuid)
        .toString('hex')
        .toUpperCase()
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    }
    const string = this.follow(object.get('NS.string'));
    if (typeof string === 'string') return scalarText(string);
    const relative = this.follow(object.get('NS.relative'));
    if (typeof relative === 'string') {
      const base = this.follow(object.get('NS.base'));
      const above = isDict(base) ? this.simpleText(base) : undefined;
      return above === undefined || above === 'null'
        ? scalarText(relative)
        : `${scalarText(relative) ?? ''} # relative to ${above}`;
    }
    return this.className(object) === 'NSNull' ? 'null' : undefined;
  }
}

function scalarText(value: PlistValue | undefined): string | undefined {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return stringText(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof PlistReal) return Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? '# no date' : value.toISOString().replace('.000Z', 'Z');
  return undefined;
}

function stringText(text: string): string {
  if (text.length <= MAX_TEXT) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, MAX_TEXT))} # … ${text.length} characters`;
}

function keyText(key: string): string {
  return /^[A-Za-z_$][\w.$ -]*$/.test(key) && key.length < 200 && !key.endsWith(' ') ? key : stringText(key);
}

function dateText(secondsSince2001: number): string {
  const date = new Date((secondsSince2001 + APPLE_EPOCH) * 1000);
  return Number.isNaN(date.getTime())
    ? `# ${secondsSince2001} seconds after 2001`
    : date.toISOString().replace('.000Z', 'Z');
}

function dataText(value: Uint8Array): string {
  const hex = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, MAX_HEX)).toString('hex');
  return `<${hex.replace(/(.{8})(?=.)/g, '$1 ')}${value.length > MAX_HEX ? ' …' : ''}> # ${value.length} bytes`;
}

function nestedPlist(value: Uint8Array): PlistValue | undefined {
  if (Buffer.from(value.buffer, value.byteOffset, Math.min(8, value.length)).toString('latin1') !== 'bplist00')
    return undefined;
  try {
    const nested = parsePlist(value);
    return isDict(nested) || isArray(nested) ? nested : undefined;
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}
