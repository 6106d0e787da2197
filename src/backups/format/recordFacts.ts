/** What a file record says about its content. */
export interface RecordFacts {
  /** POSIX mode with its type bits; 0 without one. */
  readonly mode: number;
  /** Bytes; 0 without one. */
  readonly size: number;
  /** It has an encryption key of its own. */
  readonly hasKey: boolean;
}

const HEADER_LENGTH = 8;
const TRAILER_LENGTH = 32;
/** A record has 14 to 20 objects; more than this is none. */
const MAX_OBJECTS = 200;

const OBJECTS = Buffer.from('$objects');
const TOP = Buffer.from('$top');
const ROOT = Buffer.from('root');
const MODE = Buffer.from('Mode');
const SIZE = Buffer.from('Size');
const KEY = Buffer.from('EncryptionKey');
const KEY_DATA = Buffer.from('NS.data');
const MODIFIED = Buffer.from('LastModified');
const DIGEST = Buffer.from('Digest');

/**
 * Mode, size and key of a keyed archive of class MBFile, read where they stand: nothing is built for what nobody asks. A
 * check of a phone's backup reads a million of them, and decodeFilesRow() takes ten times as long.
 *
 * Every object is looked at whether it is whole. What is in any way unusual gives undefined: decodeFilesRow() then
 * decides.
 */
export function readRecordFacts(bytes: Buffer): RecordFacts | undefined {
  return new RecordReader(bytes).read();
}

/** What a file record says that is needed for taking its content out. */
export interface RecordContent extends Omit<RecordFacts, 'hasKey'> {
  /** Unix seconds; 0 without one. */
  readonly modified: number;
  /** A copy. */
  readonly encryptionKey?: Buffer;
  /** A copy. */
  readonly digest?: Buffer;
}

/** The same for whoever takes the content out. */
export function readRecordContent(bytes: Buffer): RecordContent | undefined {
  return new RecordReader(bytes).readContent();
}

class RecordReader {
  #tableOffset = 0;
  #offsetSize = 0;
  #count = 0;
  /** Of all of them: each must stand for one of the list of objects. */
  #largestUid = 0;

  constructor(private readonly bytes: Buffer) {}

  read(): RecordFacts | undefined {
    const top = this.#top();
    return top === undefined ? undefined : this.#facts(top);
  }

  readContent(): RecordContent | undefined {
    const top = this.#top();
    const facts = top === undefined ? undefined : this.#facts(top);
    if (top === undefined || !facts) return undefined;
    const [objects, root] = this.#rootOf(top) ?? [];
    if (objects === undefined || root === undefined) return undefined;
    const modified = this.#integer(this.#value(root, MODIFIED));
    const encryptionKey = this.#data(objects, this.#value(root, KEY));
    const digest = this.#data(objects, this.#value(root, DIGEST));
    if (modified === undefined || encryptionKey === undefined || digest === undefined) return undefined;
    const { mode, size } = facts;
    return { mode, size, modified, ...(encryptionKey && { encryptionKey }), ...(digest && { digest }) };
  }

  /** Where the record's uppermost dictionary lies; undefined for what is in any way unusual. */
  #top(): number | undefined {
    const { bytes } = this;
    const trailer = bytes.length - TRAILER_LENGTH;
    if (trailer <= HEADER_LENGTH || bytes.readUInt32BE(0) !== 0x6270_6c69 || bytes.readUInt32BE(4) !== 0x7374_3030)
      return undefined;
    // The high halves of the three numbers are 0 in whatever fits into memory; a reference of 1 byte serves 256 objects.
    if (bytes[trailer + 7] !== 1) return undefined;
    for (const high of [8, 16, 24]) if (bytes.readUInt32BE(trailer + high) !== 0) return undefined;
    this.#offsetSize = bytes[trailer + 6]!;
    this.#count = bytes.readUInt32BE(trailer + 12);
    const top = bytes.readUInt32BE(trailer + 20);
    this.#tableOffset = bytes.readUInt32BE(trailer + 28);
    if (this.#offsetSize !== 1 && this.#offsetSize !== 2) return undefined;
    if (this.#count < 1 || this.#count > MAX_OBJECTS || top >= this.#count) return undefined;
    if (this.#tableOffset <= HEADER_LENGTH || this.#tableOffset + this.#count * this.#offsetSize > trailer)
      return undefined;
    return this.#areWhole() ? this.#offset(top) : undefined;
  }

  /** The list of objects, and among them the record's own. */
  #rootOf(top: number): readonly [objects: number, root: number] | undefined {
    const objects = this.#value(top, OBJECTS);
    const holder = this.#value(top, TOP);
    if (objects === undefined || holder === undefined || this.bytes[objects]! >> 4 !== 0xa) return undefined;
    if (this.#largestUid >= this.#itemsOf(objects)) return undefined;
    const root = this.#follow(objects, this.#value(holder, ROOT));
    return root === undefined || this.bytes[root]! >> 4 !== 0xd ? undefined : [objects, root];
  }

  #facts(top: number): RecordFacts | undefined {
    const [objects, root] = this.#rootOf(top) ?? [];
    if (objects === undefined || root === undefined) return undefined;
    const mode = this.#integer(this.#value(root, MODE));
    const size = this.#integer(this.#value(root, SIZE));
    const key = this.#hasKey(objects, this.#value(root, KEY));
    return mode === undefined || size === undefined || key === undefined ? undefined : { mode, size, hasKey: key };
  }

  /** Undefined: unusual. */
  #hasKey(objects: number, value: number | undefined): boolean | undefined {
    if (value === undefined) return false;
    return this.#dataAt(objects, value) === undefined ? undefined : true;
  }

  /** A copy of the data; null for none, undefined: unusual. */
  #data(objects: number, value: number | undefined): Buffer | null | undefined {
    if (value === undefined) return null;
    const found = this.#dataAt(objects, value);
    if (found === undefined) return undefined;
    const start = this.#contentOf(found);
    return Buffer.from(this.bytes.subarray(start, start + this.#itemsOf(found)));
  }

  #dataAt(objects: number, value: number): number | undefined {
    let found = this.#follow(objects, value);
    if (found !== undefined && this.bytes[found]! >> 4 === 0xd) found = this.#value(found, KEY_DATA);
    return found !== undefined && this.bytes[found]! >> 4 === 0x4 ? found : undefined;
  }

  /** What a UID of one byte stands for; undefined for everything else. */
  #follow(objects: number, value: number | undefined): number | undefined {
    if (value === undefined || this.bytes[value] !== 0x80) return undefined;
    const index = this.bytes[value + 1]!;
    return index > 0 && index < this.#itemsOf(objects) ? this.#reference(this.#contentOf(objects) + index) : undefined;
  }

  /** The last value under this key, as decoders take it; undefined if there is none. */
  #value(dict: number, key: Buffer): number | undefined {
    if (this.bytes[dict]! >> 4 !== 0xd) return undefined;
    const count = this.#itemsOf(dict);
    const start = this.#contentOf(dict);
    for (let item = count - 1; item >= 0; item--) {
      if (this.#isText(this.#reference(start + item), key)) return this.#reference(start + count + item);
    }
    return undefined;
  }

  #isText(at: number, text: Buffer): boolean {
    const { bytes } = this;
    if (bytes[at]! >> 4 !== 0x5 || this.#itemsOf(at) !== text.length) return false;
    const start = this.#contentOf(at);
    for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
    return true;
  }

  /** 0 for what is absent; undefined for what is no plain number. */
  #integer(at: number | undefined): number | undefined {
    if (at === undefined) return 0;
    const { bytes } = this;
    switch (bytes[at]) {
      case 0x10:
        return bytes[at + 1];
      case 0x11:
        return bytes.readUInt16BE(at + 1);
      case 0x12:
        return bytes.readUInt32BE(at + 1);
      case 0x13: {
        const value = bytes.readInt32BE(at + 1) * 0x1_0000_0000 + bytes.readUInt32BE(at + 5);
        return Number.isSafeInteger(value) ? value : undefined;
      }
      default:
        return undefined;
    }
  }

  /**
   * Each object lies between header and offset table, is of a kind that such records have, and refers to objects: a
   * container only to containers behind it, as those who write such lists do, so that none contains itself.
   */
  #areWhole(): boolean {
    const { bytes } = this;
    let consumed = 0;
    this.#largestUid = 0;
    for (let index = 0; index < this.#count; index++) {
      const at = this.#offset(index);
      if (at < HEADER_LENGTH || at >= this.#tableOffset) return false;
      const length = this.#lengthOf(at);
      if (length === undefined || at + length > this.#tableOffset) return false;
      consumed += length;
      const kind = bytes[at]! >> 4;
      if (kind === 0x8) this.#largestUid = Math.max(this.#largestUid, this.#uidOf(at, length));
      if (kind !== 0xa && kind !== 0xd) continue;
      const start = this.#contentOf(at);
      for (let i = start; i < at + length; i++) {
        const other = bytes[i]!;
        if (other >= this.#count || (other <= index && bytes[this.#offset(other)]! >> 4 >= 0xa)) return false;
      }
      if (kind === 0xd) {
        const keys = this.#itemsOf(at);
        for (let i = start; i < start + keys; i++) if (bytes[this.#reference(i)]! >> 4 !== 0x5) return false;
      }
    }
    // Beyond that, objects must overlap.
    return consumed <= this.#tableOffset - HEADER_LENGTH;
  }

  /** Marker and content, in bytes; undefined for what these records do not have. */
  #lengthOf(at: number): number | undefined {
    const marker = this.bytes[at]!;
    const low = marker & 0x0f;
    switch (marker >> 4) {
      case 0x0:
        return marker === 0x00 || marker === 0x08 || marker === 0x09 ? 1 : undefined;
      case 0x1:
        return low <= 3 ? 1 + (1 << low) : undefined;
      case 0x8:
        return low <= 3 ? 2 + low : undefined;
      case 0x4:
      case 0x5:
      case 0x6:
      case 0xa:
      case 0xd: {
        // A count of 15 or more is an integer behind the marker: of 1 or 2 bytes here.
        if (low === 15 && this.bytes[at + 1] !== 0x10 && this.bytes[at + 1] !== 0x11) return undefined;
        const kind = marker >> 4;
        return this.#contentOf(at) - at + this.#itemsOf(at) * (kind === 0x6 || kind === 0xd ? 2 : 1);
      }
      default:
        return undefined;
    }
  }

  /** What a UID stands for; it may be one that no key asks for. */
  #uidOf(at: number, length: number): number {
    let value = 0;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + this.bytes[i]!;
    return value;
  }

  #itemsOf(at: number): number {
    const low = this.bytes[at]! & 0x0f;
    if (low < 15) return low;
    const high = this.bytes[at + 2]!;
    return this.bytes[at + 1] === 0x10 ? high : high * 256 + this.bytes[at + 3]!;
  }

  #contentOf(at: number): number {
    if ((this.bytes[at]! & 0x0f) < 15) return at + 1;
    return this.bytes[at + 1] === 0x10 ? at + 3 : at + 4;
  }

  #offset(index: number): number {
    const at = this.#tableOffset + index * this.#offsetSize;
    const first = this.bytes[at]!;
    return this.#offsetSize === 1 ? first : first * 256 + this.bytes[at + 1]!;
  }

  /** Where the object lies whose number stands at `position`. */
  #reference(position: number): number {
    return this.#offset(this.bytes[position]!);
  }
}
