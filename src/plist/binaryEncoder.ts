import { APPLE_EPOCH_MS } from './appleEpoch';
import { DEFAULT_LIMITS } from './limits';
import { PlistError } from './plistError';
import { PlistReal, PlistUid, type PlistValue, isDict, isArray } from './value';

const HEADER = 'bplist00';
const TRAILER_LENGTH = 32;
/** Up to here, copying unit by unit is faster than calling into Buffer. */
const SHORT_TEXT = 40;
const MAX_DEPTH = DEFAULT_LIMITS.maxDepth;

/**
 * Writes a binary property list. Each value becomes an object of its own, in the order of a walk through the tree:
 * looking for equal values costs a hash per value and saves little in the messages that we send.
 *
 * Numbers: whole ones as integers in the fewest bytes that keep their sign (negative always 8, from 2^63 on 16), others
 * and every PlistReal as an 8-byte real. Strings: ASCII if they can be, else UTF-16.
 * @throws PlistError for what has no binary form: an invalid date, an unsafe integer as number (use bigint), an integer
 * beyond 128 bits, more than 256 levels.
 */
export function encodeBinaryPlist(value: PlistValue): Buffer {
  const plan: Plan = { objects: 0, references: 0, bytes: 0 };
  measure(value, plan, 0);
  const referenceSize = unsignedSize(plan.objects - 1);
  const tableOffset = HEADER.length + plan.bytes + plan.references * referenceSize;
  const offsetSize = unsignedSize(tableOffset);
  const length = tableOffset + plan.objects * offsetSize + TRAILER_LENGTH;
  const writer = new Writer(Buffer.allocUnsafe(length), plan.objects, referenceSize);
  writer.writeObject(value);
  writer.writeTableAndTrailer(tableOffset, offsetSize);
  return writer.bytes;
}

interface Plan {
  objects: number;
  references: number;
  /** Without the references, whose size depends on the number of objects. */
  bytes: number;
}

function measure(value: PlistValue, plan: Plan, depth: number): void {
  plan.objects++;
  if (typeof value === 'string') {
    const ascii = isAscii(value);
    plan.bytes += countSize(value.length) + (ascii ? value.length : value.length * 2);
  } else if (typeof value === 'number') {
    plan.bytes += 1 + (isReal(value) ? 8 : integerSize(value));
  } else if (typeof value === 'bigint') {
    plan.bytes += 1 + bigintSize(value);
  } else if (typeof value === 'boolean' || value === null) {
    plan.bytes += 1;
  } else if (isDict(value)) {
    if (depth >= MAX_DEPTH) throw tooDeep();
    plan.bytes += countSize(value.size);
    plan.references += 2 * value.size;
    for (const [key, entry] of value) {
      measure(key, plan, depth + 1);
      measure(entry, plan, depth + 1);
    }
  } else if (value instanceof Uint8Array) {
    plan.bytes += countSize(value.length) + value.length;
  } else if (isArray(value)) {
    if (depth >= MAX_DEPTH) throw tooDeep();
    plan.bytes += countSize(value.length);
    plan.references += value.length;
    for (const entry of value) measure(entry, plan, depth + 1);
  } else if (value instanceof PlistReal) {
    plan.bytes += 9;
  } else if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new PlistError('an invalid date cannot be written');
    plan.bytes += 9;
  } else if (value instanceof PlistUid) {
    if (!Number.isInteger(value.value) || value.value < 0 || value.value > 0xffff_ffff) {
      throw new PlistError('a UID must be an integer of at most 32 bits');
    }
    plan.bytes += 1 + unsignedSize(value.value);
  } else {
    throw new PlistError(`a value of type ${typeof value} cannot be written`);
  }
}

class Writer {
  private position = 0;
  private objects = 0;
  private readonly offsets: Float64Array;

  constructor(
    readonly bytes: Buffer,
    objects: number,
    private readonly referenceSize: number,
  ) {
    this.offsets = new Float64Array(objects);
    this.position = bytes.write(HEADER, 0, 'latin1');
  }

  /** Writes the value and what it holds behind it; returns its number. */
  writeObject(value: PlistValue): number {
    const index = this.objects++;
    this.offsets[index] = this.position;
    if (typeof value === 'string') this.writeString(value);
    else if (typeof value === 'number') {
      if (isReal(value)) this.writeReal(0x23, value);
      else this.writeInteger(value);
    } else if (typeof value === 'bigint') this.writeBigInt(value);
    else if (value === null) this.bytes[this.position++] = 0x00;
    else if (typeof value === 'boolean') this.bytes[this.position++] = value ? 0x09 : 0x08;
    else if (isDict(value)) this.writeDict(value);
    else if (value instanceof Uint8Array) {
      this.writeCount(0x40, value.length);
      this.bytes.set(value, this.position);
      this.position += value.length;
    } else if (value instanceof PlistReal) this.writeReal(0x23, value.value);
    else if (value instanceof Date) this.writeReal(0x33, (value.getTime() - APPLE_EPOCH_MS) / 1000);
    else if (value instanceof PlistUid) {
      const size = unsignedSize(value.value);
      this.bytes[this.position++] = 0x80 | (size - 1);
      this.writeUnsigned(value.value, size);
    } else this.writeArray(value);
    return index;
  }

  private writeDict(dict: ReadonlyMap<string, PlistValue>): void {
    this.writeCount(0xd0, dict.size);
    let keyReference = this.position;
    let valueReference = keyReference + dict.size * this.referenceSize;
    this.position = valueReference + dict.size * this.referenceSize;
    for (const [key, entry] of dict) {
      keyReference = this.writeReference(keyReference, this.writeObject(key));
      valueReference = this.writeReference(valueReference, this.writeObject(entry));
    }
  }

  private writeArray(array: readonly PlistValue[]): void {
    this.writeCount(0xa0, array.length);
    let reference = this.position;
    this.position += array.length * this.referenceSize;
    for (const entry of array) reference = this.writeReference(reference, this.writeObject(entry));
  }

  private writeReference(position: number, index: number): number {
    return putUnsigned(this.bytes, position, index, this.referenceSize);
  }

  private writeString(text: string): void {
    if (isAscii(text)) {
      this.writeCount(0x50, text.length);
      this.writeAscii(text);
      return;
    }
    this.writeCount(0x60, text.length);
    // Unit by unit: a lone surrogate, as file names may hold, survives.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      this.bytes[this.position++] = unit >> 8;
      this.bytes[this.position++] = unit & 0xff;
    }
  }

  private writeAscii(text: string): void {
    const { bytes, position } = this;
    this.position += text.length;
    if (text.length > SHORT_TEXT) bytes.write(text, position, 'latin1');
    else for (let i = 0; i < text.length; i++) bytes[position + i] = text.charCodeAt(i);
  }

  private writeReal(marker: number, value: number): void {
    this.bytes[this.position++] = marker;
    this.position = this.bytes.writeDoubleBE(value, this.position);
  }

  private writeInteger(value: number): void {
    const size = integerSize(value);
    this.bytes[this.position++] = integerMarker(size);
    if (size < 8) this.writeUnsigned(value, size);
    else this.position = this.bytes.writeBigInt64BE(BigInt(value), this.position);
  }

  private writeBigInt(value: bigint): void {
    const size = bigintSize(value);
    this.bytes[this.position++] = integerMarker(size);
    if (size < 8) this.writeUnsigned(Number(value), size);
    else {
      if (size === 16) this.position = this.bytes.writeBigInt64BE(value >> 64n, this.position);
      this.position = this.bytes.writeBigUInt64BE(BigInt.asUintN(64, value), this.position);
    }
  }

  private writeCount(marker: number, count: number): void {
    if (count < 15) {
      this.bytes[this.position++] = marker | count;
    } else {
      this.bytes[this.position++] = marker | 15;
      this.writeInteger(count);
    }
  }

  private writeUnsigned(value: number, size: number): void {
    this.position = putUnsigned(this.bytes, this.position, value, size);
  }

  writeTableAndTrailer(tableOffset: number, offsetSize: number): void {
    for (const offset of this.offsets) this.writeUnsigned(offset, offsetSize);
    const { bytes, position } = this;
    bytes.fill(0, position, position + TRAILER_LENGTH);
    bytes[position + 6] = offsetSize;
    bytes[position + 7] = this.referenceSize;
    putUnsigned(bytes, position + 8, this.objects, 8);
    putUnsigned(bytes, position + 24, tableOffset, 8);
  }
}

/** Big-endian. In plain JavaScript: faster than Buffer's own method, which checks value and range at each call. */
function putUnsigned(bytes: Buffer, position: number, value: number, size: number): number {
  let rest = value;
  for (let i = position + size - 1; i >= position; i--) {
    bytes[i] = rest & 0xff;
    rest = size <= 4 ? rest >>> 8 : Math.floor(rest / 256);
  }
  return position + size;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** A number with a fraction, or not finite. */
function isReal(value: number): boolean {
  if (!Number.isInteger(value)) return true;
  if (!Number.isSafeInteger(value)) throw new PlistError('an integer beyond ±2^53 must be a bigint');
  return false;
}

function integerSize(value: number): 1 | 2 | 4 | 8 {
  if (value < 0) return 8;
  if (value < 0x100) return 1;
  if (value < 0x1_0000) return 2;
  return value < 0x1_0000_0000 ? 4 : 8;
}

function bigintSize(value: bigint): 1 | 2 | 4 | 8 | 16 {
  if (value >= -(2n ** 63n) && value < 2n ** 63n) {
    return value >= 0n && value < 2n ** 32n ? integerSize(Number(value)) : 8;
  }
  if (value >= -(2n ** 127n) && value < 2n ** 127n) return 16;
  throw new PlistError('an integer beyond 128 bits cannot be written');
}

function integerMarker(size: 1 | 2 | 4 | 8 | 16): number {
  return 0x10 | (31 - Math.clz32(size));
}

/** Fewest of 1, 2, 4 or 6 bytes. Sizes 3 and 5 are legal too, but some readers know only powers of two. */
function unsignedSize(value: number): number {
  if (value < 0x100) return 1;
  if (value < 0x1_0000) return 2;
  return value < 0x1_0000_0000 ? 4 : 6;
}

/** Marker, and from 15 on the count as an integer object. */
function countSize(count: number): number {
  return count < 15 ? 1 : 2 + integerSize(count);
}

function tooDeep(): PlistError {
  return new PlistError(`more than ${MAX_DEPTH} levels cannot be written`);
}
