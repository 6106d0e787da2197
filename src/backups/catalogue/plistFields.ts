import { isBinaryPlist, parsePlist, PlistReal, type PlistDict, type PlistValue } from '../../plist';

export type PlistField = string | number | boolean | Date | undefined;

/** Answers for single fields of a property list, by their path of keys; undefined for what is absent or no such value. */
export type PlistFields = (...path: readonly string[]) => PlistField;

const MAX_DEPTH = 8;
/** Seconds from 1970 to 2001, where Apple's dates begin. */
const APPLE_EPOCH = 978_307_200;

/**
 * Reads single fields without decoding the rest: the Manifest.plist of a phone lists a thousand apps, and a catalogue of
 * 200 backups wants eight values of each. An XML list is decoded as a whole.
 * @throws PlistError or RangeError when the bytes are no property list with a dictionary at its top
 */
export function plistFields(bytes: Uint8Array): PlistFields {
  if (!isBinaryPlist(bytes)) return decodedFields(parsePlist(bytes));
  const view = new BinaryView(bytes);
  return (...path) => view.field(path);
}

function decodedFields(value: PlistValue): PlistFields {
  if (!(value instanceof Map)) throw new RangeError('a property list without a dictionary at its top');
  return (...path) => {
    let found: PlistValue | undefined = value as PlistDict;
    for (const key of path) found = found instanceof Map ? (found as PlistDict).get(key) : undefined;
    if (found instanceof PlistReal) return found.value;
    return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' || found instanceof Date
      ? found
      : undefined;
  };
}

/** Every read is checked: an offset outside of the bytes throws a RangeError. */
class BinaryView {
  readonly #bytes: Buffer;
  readonly #offsetBytes: number;
  readonly #referenceBytes: number;
  readonly #objects: number;
  readonly #top: number;
  readonly #table: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const trailer = bytes.length - 32;
    if (trailer < 8) throw new RangeError('too short for a binary property list');
    this.#offsetBytes = this.#size(trailer + 6);
    this.#referenceBytes = this.#size(trailer + 7);
    this.#objects = this.#integer(trailer + 8, 8);
    this.#top = this.#integer(trailer + 16, 8);
    this.#table = this.#integer(trailer + 24, 8);
    if (this.#objects === 0 || this.#table + this.#objects * this.#offsetBytes > trailer)
      throw new RangeError('the offsets lie outside');
    if (this.#marker(this.#offsetOf(this.#top)) >> 4 !== 0xd)
      throw new RangeError('a property list without a dictionary at its top');
  }

  field(path: readonly string[]): PlistField {
    if (path.length > MAX_DEPTH) return undefined;
    let offset: number | undefined = this.#offsetOf(this.#top);
    for (const key of path) {
      offset = this.#find(offset, key);
      if (offset === undefined) return undefined;
    }
    return this.#value(offset);
  }

  #find(offset: number, key: string): number | undefined {
    const marker = this.#marker(offset);
    if (marker >> 4 !== 0xd) return undefined;
    const { count, start } = this.#count(offset);
    if (start + 2 * count * this.#referenceBytes > this.#bytes.length)
      throw new RangeError('a dictionary reaches outside');
    for (let index = 0; index < count; index++) {
      const at = this.#offsetOf(this.#integer(start + index * this.#referenceBytes, this.#referenceBytes));
      if (this.#value(at) !== key) continue;
      return this.#offsetOf(this.#integer(start + (count + index) * this.#referenceBytes, this.#referenceBytes));
    }
    return undefined;
  }

  #value(offset: number): PlistField {
    const marker = this.#marker(offset);
    switch (marker >> 4) {
      case 0x0:
        return marker === 0x08 ? false : marker === 0x09 ? true : undefined;
      case 0x1:
        return (marker & 0xf) <= 3 ? this.#integer(offset + 1, 1 << (marker & 0xf)) : undefined;
      case 0x2:
        return marker === 0x23 ? this.#bytes.readDoubleBE(offset + 1) : undefined;
      case 0x3:
        return marker === 0x33 ? new Date((this.#bytes.readDoubleBE(offset + 1) + APPLE_EPOCH) * 1000) : undefined;
      case 0x5:
        return this.#text(offset, 1).toString('latin1');
      case 0x6:
        return Buffer.from(this.#text(offset, 2)).swap16().toString('utf16le');
      default:
        return undefined;
    }
  }

  #text(offset: number, unit: number): Buffer {
    const { count, start } = this.#count(offset);
    if (start + count * unit > this.#bytes.length) throw new RangeError('a string reaches outside');
    return this.#bytes.subarray(start, start + count * unit);
  }

  #count(offset: number): { readonly count: number; readonly start: number } {
    const low = this.#marker(offset) & 0xf;
    if (low !== 0xf) return { count: low, start: offset + 1 };
    const marker = this.#marker(offset + 1);
    if (marker >> 4 !== 1 || (marker & 0xf) > 3) throw new RangeError('a length that is no integer');
    const bytes = 1 << (marker & 0xf);
    return { count: this.#integer(offset + 2, bytes), start: offset + 2 + bytes };
  }

  #offsetOf(reference: number): number {
    if (reference >= this.#objects) throw new RangeError('a reference to an object that is not there');
    return this.#integer(this.#table + reference * this.#offsetBytes, this.#offsetBytes);
  }

  #marker(offset: number): number {
    return this.#bytes.readUInt8(offset);
  }

  #size(at: number): number {
    const size = this.#bytes.readUInt8(at);
    if (size < 1 || size > 8) throw new RangeError(`integers of ${size} bytes`);
    return size;
  }

  #integer(at: number, bytes: number): number {
    if (bytes <= 6) return this.#bytes.readUIntBE(at, bytes);
    const high = bytes === 8 ? this.#bytes.readInt16BE(at) : this.#bytes.readInt8(at);
    const value = high * 2 ** 48 + this.#bytes.readUIntBE(at + bytes - 6, 6);
    if (!Number.isSafeInteger(value)) throw new RangeError('an integer beyond 2^53');
    return value;
  }
}
