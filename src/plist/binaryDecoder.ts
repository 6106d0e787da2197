import { APPLE_EPOCH_MS } from './appleEpoch';
import { shortText } from './knownTexts';
import { DEFAULT_LIMITS, type PlistLimits } from './limits';
import { PlistError } from './plistError';
import { SharedSizes } from './sharedSizes';
import { PlistReal, PlistUid, type PlistValue } from './value';

const HEADER_LENGTH = 8;
const TRAILER_LENGTH = 32;
/** Header, one object of one byte, its offset, trailer. */
const SHORTEST = HEADER_LENGTH + 1 + 1 + TRAILER_LENGTH;

/**
 * Reads a binary property list (`bplist00`).
 *
 * One decoder serves messages, files and the 500,000 keyed archives of a Manifest.db. Every object is decoded once,
 * however often it is referenced, so a list cannot cost more than its own length; what its readers would walk
 * (an object counted at each use) is bounded by the limits. Encodings that must not be trusted – offsets and references
 * out of range, objects that overlap or contain themselves, counts beyond the file – are errors.
 *
 * Sets come as arrays. Integers of 1, 2 and 4 bytes are unsigned, of 8 and 16 signed; but see `readWideInteger()`.
 * When a key occurs twice the last value counts. Data are copies, never views of `bytes`.
 * @throws PlistError
 */
export function decodeBinaryPlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  return new BinaryDecoder(bytes, limits).decodeTop();
}

/** Stands for an object whose decoding has begun and not ended. */
const IN_PROGRESS = Symbol('in progress');

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

  private readonly values: (PlistValue | typeof IN_PROGRESS | undefined)[];
  private sizes: SharedSizes | undefined;
  /** Objects and bytes of strings and data so far, shared ones counted at each use. */
  private expandedObjects = 0;
  private expandedBytes = 0;
  /** Bytes of the objects decoded so far: beyond the file's own length, objects must overlap. */
  private consumed = 0;

  constructor(bytes: Uint8Array, limits: Partial<PlistLimits>) {
    const maxBytes = limits.maxBytes ?? DEFAULT_LIMITS.maxBytes;
    this.maxObjects = limits.maxObjects ?? DEFAULT_LIMITS.maxObjects;
    this.maxDepth = limits.maxDepth ?? DEFAULT_LIMITS.maxDepth;
    this.maxExpandedBytes = limits.maxExpandedBytes ?? DEFAULT_LIMITS.maxExpandedBytes;

    const { length } = bytes;
    if (length > maxBytes) throw new PlistError(`property list of ${length} bytes; at most ${maxBytes} are read`);
    if (length < SHORTEST) throw new PlistError(`binary property list of only ${length} bytes`);
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, length);
    // "bplist00"
    if (this.bytes.readUInt32BE(0) !== 0x6270_6c69 || this.bytes.readUInt32BE(4) !== 0x7374_3030) {
      throw new PlistError('no bplist00 header', 0);
    }

    const trailer = length - TRAILER_LENGTH;
    this.offsetSize = this.bytes[trailer + 6]!;
    this.referenceSize = this.bytes[trailer + 7]!;
    this.objectCount = this.readUnsigned(trailer + 8, 8);
    this.topObject = this.readUnsigned(trailer + 16, 8);
    this.tableOffset = this.readUnsigned(trailer + 24, 8);
    this.checkTrailer(trailer);
    this.values = new Array<undefined>(this.objectCount);
  }

  private checkTrailer(trailer: number): void {
    const { offsetSize, referenceSize, objectCount, topObject, tableOffset } = this;
    if (offsetSize < 1 || offsetSize > 8) throw new PlistError(`offsets of ${offsetSize} bytes`, trailer + 6);
    if (referenceSize < 1 || referenceSize > 8)
      throw new PlistError(`references of ${referenceSize} bytes`, trailer + 7);
    if (tableOffset <= HEADER_LENGTH || tableOffset >= trailer) {
      throw new PlistError(`the offset table is said to be at ${tableOffset}`, trailer + 24);
    }
    if (objectCount < 1 || objectCount > Math.floor((trailer - tableOffset) / offsetSize)) {
      throw new PlistError(`${objectCount} objects do not fit the offset table`, trailer + 8);
    }
    if (objectCount > this.maxObjects) {
      throw new PlistError(`${objectCount} objects; at most ${this.maxObjects} are read`, trailer + 8);
    }
    if (topObject >= objectCount)
      throw new PlistError(`the top object is ${topObject} of ${objectCount}`, trailer + 16);
  }

  decodeTop(): PlistValue {
    return this.decode(this.topObject, 0);
  }

  private decode(index: number, depth: number): PlistValue {
    const known = this.values[index];
    if (known !== undefined) return this.reuse(known, index, depth);
    const offset = this.offsetOf(index);
    const { bytes } = this;
    const marker = bytes[offset]!;
    const low = marker & 0x0f;
    switch (marker >> 4) {
      case 0x0:
        this.consume(offset, 1);
        if (marker === 0x00) return this.keep(index, null);
        if (marker === 0x08) return this.keep(index, false);
        if (marker === 0x09) return this.keep(index, true);
        throw unknownMarker(marker, offset);
      case 0x1:
        if (low > 4) throw new PlistError(`integer of 2^${low} bytes`, offset);
        this.consume(offset, 1 + (1 << low));
        return this.keep(index, this.readInteger(offset + 1, 1 << low));
      case 0x2:
        if (low !== 2 && low !== 3) throw new PlistError(`real of 2^${low} bytes`, offset);
        this.consume(offset, 1 + (1 << low));
        return this.keep(
          index,
          new PlistReal(low === 2 ? bytes.readFloatBE(offset + 1) : bytes.readDoubleBE(offset + 1)),
        );
      case 0x3:
        if (low !== 3) throw unknownMarker(marker, offset);
        this.consume(offset, 9);
        return this.keep(index, this.readDate(offset + 1));
      case 0x4:
        return this.decodeData(index, offset, low);
      case 0x5:
      case 0x6:
        return this.decodeString(index, offset, marker, false);
      case 0x8:
        return this.decodeUid(index, offset, low + 1);
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
    this.consume(offset, position - offset + count * size);
    this.enter(index, offset, count, depth);

    const array: PlistValue[] = [];
    for (let i = 0; i < count; i++, position += size) {
      array.push(this.decode(this.readReference(position, size), depth + 1));
    }
    this.values[index] = array;
    return array;
  }

  private decodeDict(index: number, offset: number, low: number, depth: number): PlistValue {
    const size = this.referenceSize;
    let position = this.contentStart(offset, low);
    const count = this.count(offset, low, 2 * size, position);
    const toValue = count * size;
    this.consume(offset, position - offset + 2 * toValue);
    this.enter(index, offset, count, depth);

    const dict = new Map<string, PlistValue>();
    for (let i = 0; i < count; i++, position += size) {
      const key = this.decodeKey(this.readReference(position, size));
      dict.set(key, this.decode(this.readReference(position + toValue, size), depth + 1));
    }
    this.values[index] = dict;
    return dict;
  }

  private decodeKey(index: number): string {
    const known = this.values[index];
    const offset = this.offsetOf(index);
    if (known === undefined) {
      const marker = this.bytes[offset]!;
      if (marker >> 4 === 0x5 || marker >> 4 === 0x6) return this.decodeString(index, offset, marker, true);
    } else if (typeof known === 'string') {
      this.reuse(known, index, 0);
      return known;
    }
    throw new PlistError('a key is not a string', offset);
  }

  private decodeString(index: number, offset: number, marker: number, isKey: boolean): string {
    const { bytes } = this;
    const low = marker & 0x0f;
    const start = this.contentStart(offset, low);
    if (marker >> 4 === 0x5) {
      const length = this.count(offset, low, 1, start);
      this.consume(offset, start - offset + length);
      this.expandedBytes += 2 * length;
      return this.keep(index, shortText(bytes, start, start + length, isKey));
    }
    const length = 2 * this.count(offset, low, 2, start);
    this.consume(offset, start - offset + length);
    this.expandedBytes += length;
    // swap16() works in place, so on a copy.
    const littleEndian = Buffer.from(bytes.subarray(start, start + length)).swap16();
    return this.keep(index, littleEndian.toString('utf16le'));
  }

  private decodeData(index: number, offset: number, low: number): Buffer {
    const start = this.contentStart(offset, low);
    const length = this.count(offset, low, 1, start);
    this.consume(offset, start - offset + length);
    this.expandedBytes += length;
    // Into memory of its own, outside Node's pool: a 40-byte key must not keep megabytes alive, nor share its memory.
    const data = Buffer.allocUnsafeSlow(length);
    this.bytes.copy(data, 0, start, start + length);
    return this.keep(index, data);
  }

  private decodeUid(index: number, offset: number, size: number): PlistUid {
    this.consume(offset, 1 + size);
    const uid = this.readUnsigned(offset + 1, size);
    // CoreFoundation refuses more than 32 bits too.
    if (uid > 0xffff_ffff) throw new PlistError('a UID of more than 32 bits', offset);
    return this.keep(index, new PlistUid(uid));
  }

  private keep<T extends PlistValue>(index: number, value: T): T {
    this.expandedObjects++;
    this.values[index] = value;
    return value;
  }

  /** Gives a decoded object again, and counts what it adds to the list as its readers will walk it. */
  private reuse(value: PlistValue | typeof IN_PROGRESS, index: number, depth: number): PlistValue {
    if (value === IN_PROGRESS) throw new PlistError('an object contains itself', this.offsetOf(index));
    this.sizes ??= new SharedSizes();
    const size = this.sizes.of(value);
    this.expandedObjects += size.objects;
    this.expandedBytes += size.bytes;
    if (this.expandedObjects > this.maxObjects || this.expandedBytes > this.maxExpandedBytes) {
      throw this.tooLarge(this.offsetOf(index));
    }
    if (depth + size.levels > this.maxDepth) throw this.tooDeep(this.offsetOf(index));
    return value;
  }

  private enter(index: number, offset: number, count: number, depth: number): void {
    if (depth >= this.maxDepth) throw this.tooDeep(offset);
    if (count > this.maxObjects) throw this.tooLarge(offset);
    this.expandedObjects++;
    this.values[index] = IN_PROGRESS;
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
    const value = this.bytes.readInt32BE(position) * 0x1_0000_0000 + this.bytes.readUInt32BE(position + 4);
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

  private tooDeep(offset: number): PlistError {
    return new PlistError(`more than ${this.maxDepth} levels`, offset);
  }

  private tooLarge(offset: number): PlistError {
    const { maxObjects, maxExpandedBytes } = this;
    return new PlistError(`written out in full, more than ${maxObjects} objects or ${maxExpandedBytes} bytes`, offset);
  }
}

function unknownMarker(marker: number, offset: number): PlistError {
  return new PlistError(`object of unknown type 0x${marker.toString(16).padStart(2, '0')}`, offset);
}
