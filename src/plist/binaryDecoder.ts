import { APPLE_EPOCH_MS } from './appleEpoch';
import { DEFAULT_LIMITS, type PlistLimits } from './limits';
import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistValue } from './value';

const HEADER_LENGTH = 8;
const TRAILER_LENGTH = 32;

/**
 * Reads a binary property list (`bplist00`).
 *
 * One decoder serves messages, files and the 500,000 keyed archives of a Manifest.db. Every object is decoded once,
 * however often it is referenced, so a list cannot cost more than its own length; what its readers would walk
 * (an object counted at each use) is bounded by the limits. Encodings that must not be trusted: offsets and references
 * out of range, objects that overlap or contain themselves, counts beyond the file, are all errors.
 *
 * Sets come as arrays. Integers of 1, 2 and 4 bytes are unsigned, of 8 signed, of 16 signed too; but see
 * `readWideInteger()`. When a key occurs twice the last value counts.
 * @throws PlistError
 */
export function decodeBinaryPlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  return new BinaryDecoder(bytes, limits).decodeTop();
}

/** What `weights` holds for an object whose decoding has begun and not ended. */
const IN_PROGRESS = -1;

class BinaryDecoder {
  private readonly bytes: Buffer;
  private readonly maxObjects: number;
  private readonly maxDepth: number;
  private readonly maxExpandedBytes: number;

  private readonly offsetSize: number;
  private readonly referenceSize: number;
  private readonly objectCount: number;
  private readonly topObject: number;
  /** End of the objects: they may not reach into the offset table. */
  private readonly tableOffset: number;

  private readonly values: (PlistValue | undefined)[];
  /** Objects that an object stands for, itself included; 0 while unseen. */
  private readonly weights: number[];
  /** Bytes of strings and data that an object stands for; only for containers and those that hold any. */
  private readonly payloads: number[];
  /** Bytes of the objects decoded so far: beyond the file's own length, objects must overlap. */
  private consumed = 0;

  constructor(bytes: Uint8Array, limits: Partial<PlistLimits>) {
    const maxBytes = limits.maxBytes ?? DEFAULT_LIMITS.maxBytes;
    this.maxObjects = limits.maxObjects ?? DEFAULT_LIMITS.maxObjects;
    this.maxDepth = limits.maxDepth ?? DEFAULT_LIMITS.maxDepth;
    this.maxExpandedBytes = limits.maxExpandedBytes ?? DEFAULT_LIMITS.maxExpandedBytes;

    const { length } = bytes;
    if (length > maxBytes) throw new PlistError(`property list of ${length} bytes; at most ${maxBytes} are read`);
    if (length < HEADER_LENGTH + 1 + 1 + TRAILER_LENGTH)
      throw new PlistError(`binary property list of only ${length} bytes`);
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, length);
    if (this.bytes.toString('latin1', 0, HEADER_LENGTH) !== 'bplist00') throw new PlistError('no bplist00 header', 0);

    const trailer = length - TRAILER_LENGTH;
    this.offsetSize = this.bytes[trailer + 6]!;
    this.referenceSize = this.bytes[trailer + 7]!;
    if (this.offsetSize < 1 || this.offsetSize > 8)
      throw new PlistError(`offsets of ${this.offsetSize} bytes`, trailer + 6);
    if (this.referenceSize < 1 || this.referenceSize > 8) {
      throw new PlistError(`references of ${this.referenceSize} bytes`, trailer + 7);
    }
    this.objectCount = this.readUnsigned(trailer + 8, 8);
    this.topObject = this.readUnsigned(trailer + 16, 8);
    this.tableOffset = this.readUnsigned(trailer + 24, 8);
    if (this.tableOffset <= HEADER_LENGTH || this.tableOffset >= trailer) {
      throw new PlistError(`the offset table is said to be at ${this.tableOffset} of ${length}`, trailer + 24);
    }
    if (this.objectCount < 1 || this.objectCount > Math.floor((trailer - this.tableOffset) / this.offsetSize)) {
      throw new PlistError(`${this.objectCount} objects do not fit the offset table`, trailer + 8);
    }
    if (this.objectCount > this.maxObjects) {
      throw new PlistError(`${this.objectCount} objects; at most ${this.maxObjects} are read`, trailer + 8);
    }
    if (this.topObject >= this.objectCount) {
      throw new PlistError(`the top object is ${this.topObject} of ${this.objectCount}`, trailer + 16);
    }
    this.values = new Array<PlistValue | undefined>(this.objectCount);
    this.weights = new Array<number>(this.objectCount).fill(0);
    this.payloads = new Array<number>(this.objectCount).fill(0);
  }

  decodeTop(): PlistValue {
    return this.decode(this.topObject, 0);
  }

  private decode(index: number, depth: number): PlistValue {
    const weight = this.weights[index]!;
    if (weight > 0) return this.values[index]!;
    const offset = this.offsetOf(index);
    if (weight === IN_PROGRESS) throw new PlistError('an object contains itself', offset);

    const { bytes } = this;
    const marker = bytes[offset]!;
    const low = marker & 0x0f;
    switch (marker >> 4) {
      case 0x0:
        this.consume(offset, 1);
        if (marker === 0x00) return this.keep(index, null, 0);
        if (marker === 0x08) return this.keep(index, false, 0);
        if (marker === 0x09) return this.keep(index, true, 0);
        throw unknownMarker(marker, offset);
      case 0x1:
        if (low > 4) throw new PlistError(`integer of 2^${low} bytes`, offset);
        this.consume(offset, 1 + (1 << low));
        return this.keep(index, this.readInteger(offset + 1, 1 << low), 0);
      case 0x2:
        if (low === 2) {
          this.consume(offset, 5);
          return this.keep(index, new PlistReal(bytes.readFloatBE(offset + 1)), 0);
        }
        if (low !== 3) throw new PlistError(`real of 2^${low} bytes`, offset);
        this.consume(offset, 9);
        return this.keep(index, new PlistReal(bytes.readDoubleBE(offset + 1)), 0);
      case 0x3:
        if (low !== 3) throw unknownMarker(marker, offset);
        this.consume(offset, 9);
        return this.keep(index, this.readDate(offset + 1), 0);
      case 0x4: {
        const start = this.contentStart(offset, low);
        const length = this.count(offset, low, 1, start);
        this.consume(offset, start - offset + length);
        // Into memory of its own: a 40-byte key must not keep a message of megabytes alive.
        const data = Buffer.allocUnsafeSlow(length);
        bytes.copy(data, 0, start, start + length);
        return this.keep(index, data, length);
      }
      case 0x5:
      case 0x6:
        return this.decodeString(index, offset, marker, false);
      case 0x8: {
        const size = low + 1;
        this.consume(offset, 1 + size);
        const uid = size > 8 ? Infinity : this.readUnsigned(offset + 1, size);
        // CoreFoundation refuses more than 32 bits too.
        if (uid > 0xffff_ffff) throw new PlistError(`UID of ${size} bytes`, offset);
        return this.keep(index, new PlistUid(uid), 0);
      }
      case 0xa:
      case 0xc:
        return this.decodeArray(index, offset, low, depth);
      case 0xd:
        return this.decodeDict(index, offset, low, depth);
      default:
        throw unknownMarker(marker, offset);
    }
  }

  private decodeArray(index: number, offset: number, low: number, depth: number): PlistValue {
    const size = this.referenceSize;
    let position = this.contentStart(offset, low);
    const count = this.count(offset, low, size, position);
    this.enter(index, offset, count, depth);
    this.consume(offset, position - offset + count * size);

    const array: PlistValue[] = [];
    let weight = 1;
    let payload = 0;
    for (let i = 0; i < count; i++, position += size) {
      const child = this.readReference(position, size);
      array.push(this.decode(child, depth + 1));
      weight += this.weights[child]!;
      payload += this.payloads[child]!;
      if (weight > this.maxObjects || payload > this.maxExpandedBytes) throw this.tooLarge(offset);
    }
    return this.keepContainer(index, array, weight, payload);
  }

  private decodeDict(index: number, offset: number, low: number, depth: number): PlistValue {
    const size = this.referenceSize;
    let position = this.contentStart(offset, low);
    const count = this.count(offset, low, 2 * size, position);
    const toValue = count * size;
    this.enter(index, offset, count, depth);
    this.consume(offset, position - offset + 2 * toValue);

    const dict = new Map<string, PlistValue>();
    let weight = 1;
    let payload = 0;
    for (let i = 0; i < count; i++, position += size) {
      const keyIndex = this.readReference(position, size);
      const key = this.decodeKey(keyIndex);
      const child = this.readReference(position + toValue, size);
      dict.set(key, this.decode(child, depth + 1));
      weight += this.weights[child]! + 1;
      payload += this.payloads[child]! + this.payloads[keyIndex]!;
      if (weight > this.maxObjects || payload > this.maxExpandedBytes) throw this.tooLarge(offset);
    }
    return this.keepContainer(index, dict, weight, payload);
  }

  private decodeKey(index: number): string {
    if (this.weights[index]! > 0) {
      const value = this.values[index];
      if (typeof value === 'string') return value;
    } else {
      const offset = this.offsetOf(index);
      const marker = this.bytes[offset]!;
      if (marker >> 4 === 0x5 || marker >> 4 === 0x6) return this.decodeString(index, offset, marker, true);
    }
    throw new PlistError('a key is not a string', this.offsetOf(index));
  }

  private decodeString(index: number, offset: number, marker: number, isKey: boolean): string {
    const { bytes } = this;
    const low = marker & 0x0f;
    const start = this.contentStart(offset, low);
    if (marker >> 4 === 0x5) {
      const length = this.count(offset, low, 1, start);
      this.consume(offset, start - offset + length);
      return this.keep(
        index,
        isKey ? keyText(bytes, start, start + length) : asciiText(bytes, start, start + length),
        length,
      );
    }
    const units = this.count(offset, low, 2, start);
    this.consume(offset, start - offset + 2 * units);
    // swap16() works in place, so on a copy.
    const text = Buffer.from(bytes.subarray(start, start + 2 * units))
      .swap16()
      .toString('utf16le');
    return this.keep(index, text, 2 * units);
  }

  private keep<T extends PlistValue>(index: number, value: T, payload: number): T {
    this.values[index] = value;
    this.weights[index] = 1;
    this.payloads[index] = payload;
    return value;
  }

  private keepContainer<T extends PlistValue>(index: number, value: T, weight: number, payload: number): T {
    this.values[index] = value;
    this.weights[index] = weight;
    this.payloads[index] = payload;
    return value;
  }

  private enter(index: number, offset: number, count: number, depth: number): void {
    if (depth >= this.maxDepth) throw new PlistError(`more than ${this.maxDepth} levels`, offset);
    if (count > this.maxObjects) throw this.tooLarge(offset);
    this.weights[index] = IN_PROGRESS;
  }

  /** Checks that an object of this length lies between header and offset table, and that objects do not overlap. */
  private consume(offset: number, length: number): void {
    if (offset + length > this.tableOffset) throw new PlistError('an object reaches into the offset table', offset);
    this.consumed += length;
    if (this.consumed > this.tableOffset - HEADER_LENGTH) throw new PlistError('objects overlap', offset);
  }

  private offsetOf(index: number): number {
    const offset = this.readUnsigned(this.tableOffset + index * this.offsetSize, this.offsetSize);
    if (offset < HEADER_LENGTH || offset >= this.tableOffset) {
      throw new PlistError(`object ${index} is said to be at ${offset}`, this.tableOffset + index * this.offsetSize);
    }
    return offset;
  }

  private readReference(position: number, size: number): number {
    const reference = size === 1 ? this.bytes[position]! : this.readUnsigned(position, size);
    if (reference >= this.objectCount) {
      throw new PlistError(`reference to object ${reference} of ${this.objectCount}`, position);
    }
    return reference;
  }

  /** Where the content begins: behind the marker, or behind the count object that follows it. */
  private contentStart(offset: number, low: number): number {
    if (low < 15) return offset + 1;
    const marker = this.bytes[offset + 1]!;
    if (marker >> 4 !== 0x1 || (marker & 0x0f) > 3) throw new PlistError('a count is not an integer', offset);
    return offset + 2 + (1 << (marker & 0x0f));
  }

  /** Number of items, each of `itemSize` bytes: never more than there is room for. */
  private count(offset: number, low: number, itemSize: number, start: number): number {
    const count = low < 15 ? low : this.readUnsigned(offset + 2, start - offset - 2);
    if (start + count * itemSize > this.tableOffset)
      throw new PlistError(`a count of ${count} is beyond the file`, offset);
    return count;
  }

  /** Big-endian. Beyond 2^53 inexact, and then larger than anything it is compared with. */
  private readUnsigned(position: number, size: number): number {
    const { bytes } = this;
    let value = 0;
    for (let i = position; i < position + size; i++) value = value * 256 + bytes[i]!;
    return value;
  }

  private readInteger(position: number, size: number): number | bigint {
    if (size <= 4) return this.readUnsigned(position, size);
    if (size === 16) return this.readWideInteger(position);
    const high = this.bytes.readInt32BE(position);
    const value = high * 0x1_0000_0000 + this.bytes.readUInt32BE(position + 4);
    return Number.isSafeInteger(value) ? value : this.bytes.readBigInt64BE(position);
  }

  /**
   * 16 bytes hold unsigned values from 2^63 on. Python programs also write a negative status code that way, as 2^64−13
   * for −13: devices understand it, so the 2^31 values below 2^64 are taken for the negative numbers they stand for.
   */
  private readWideInteger(position: number): number | bigint {
    const high = this.bytes.readBigInt64BE(position);
    const low = this.bytes.readBigUInt64BE(position + 8);
    const value = high === 0n && low >= 2n ** 64n - 2n ** 31n ? BigInt.asIntN(64, low) : (high << 64n) | low;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  private readDate(position: number): Date {
    const date = new Date(APPLE_EPOCH_MS + Math.round(this.bytes.readDoubleBE(position) * 1000));
    if (Number.isNaN(date.getTime())) throw new PlistError('a date out of range', position);
    return date;
  }

  private tooLarge(offset: number): PlistError {
    return new PlistError(
      `written out in full the property list is larger than ${this.maxObjects} objects or ${this.maxExpandedBytes} bytes`,
      offset,
    );
  }
}

function unknownMarker(marker: number, offset: number): PlistError {
  return new PlistError(`object of unknown type 0x${marker.toString(16).padStart(2, '0')}`, offset);
}

/** Strings said to be ASCII; other tools have written UTF-8 here. */
function asciiText(bytes: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return bytes.toString('utf8', start, end);
  return bytes.toString('latin1', start, end);
}

/**
 * The same few keys come in every message and archive: they are looked up by their bytes, which is faster than making
 * new strings. Keys only: values may be secrets and are not kept.
 */
const KNOWN_KEYS = new Array<string>(1024).fill('');
const LONGEST_KNOWN_KEY = 32;

function keyText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > LONGEST_KNOWN_KEY) return asciiText(bytes, start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = (hash ^ (hash >>> 10)) & (KNOWN_KEYS.length - 1);
  const known = KNOWN_KEYS[slot]!;
  if (known.length === length && isText(known, bytes, start)) return known;
  const text = asciiText(bytes, start, end);
  // A key with bytes above 0x7f has decoded to other characters, and is not found again by its bytes: left out.
  if (text.length === length && isText(text, bytes, start)) KNOWN_KEYS[slot] = text;
  return text;
}

function isText(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
