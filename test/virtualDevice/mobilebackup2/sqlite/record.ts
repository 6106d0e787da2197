import { readVarint, varintLength, writeVarint } from './varint';

export type SqlValue = string | number | bigint | Buffer | null;

let scratch = Buffer.allocUnsafe(64 * 1024);

/** A row in SQLite's record format. The result is a view that the next call overwrites. */
export function encodeRecord(values: readonly SqlValue[]): Buffer {
  let header = 0;
  let body = 0;
  const types = new Array<number>(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as SqlValue;
    const type = serialType(value);
    types[index] = type;
    header += varintLength(type);
    body += bodyLength(type);
  }
  header += varintLength(header + 1);
  if (header + body > scratch.length) scratch = Buffer.allocUnsafe((header + body) * 2);
  let at = writeVarint(scratch, 0, header);
  for (const type of types) at = writeVarint(scratch, at, type);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as SqlValue;
    const length = bodyLength(types[index] as number);
    if (typeof value === 'string') scratch.write(value, at, 'utf8');
    else if (Buffer.isBuffer(value)) value.copy(scratch, at);
    else if (typeof value === 'number' && length > 0) scratch.writeIntBE(value, at, length);
    at += length;
  }
  return scratch.subarray(0, at);
}

/** @throws RangeError when it ends too early. Values are views of `record`. */
export function decodeRecord(record: Buffer): SqlValue[] {
  const [headerLength, first] = readVarint(record, 0);
  const values: SqlValue[] = [];
  let body = headerLength;
  for (let at = first; at < headerLength;) {
    const [type, next] = readVarint(record, at);
    at = next;
    const length = bodyLength(type);
    if (body + length > record.length) throw new RangeError('a record ends before its last value');
    values.push(decodeValue(record, type, body, length));
    body += length;
  }
  return values;
}

function decodeValue(record: Buffer, type: number, at: number, length: number): SqlValue {
  if (type === 0) return null;
  if (type <= 5) return record.readIntBE(at, length);
  if (type === 6) return record.readBigInt64BE(at);
  if (type === 7) return record.readDoubleBE(at);
  if (type === 8 || type === 9) return type - 8;
  return type % 2 === 0 ? record.subarray(at, at + length) : record.toString('utf8', at, at + length);
}

/** Integers of up to six bytes: more does not occur in what is written here. */
function serialType(value: SqlValue): number {
  if (value === null) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value) * 2 + 13;
  if (typeof value === 'object') return value.length * 2 + 12;
  if (typeof value === 'bigint') throw new Error('integers of 8 bytes are not written');
  if (value === 0 || value === 1) return 8 + value;
  const size = value < 0 ? -value - 1 : value;
  if (size < 0x80) return 1;
  if (size < 0x8000) return 2;
  if (size < 0x80_0000) return 3;
  if (size < 0x8000_0000) return 4;
  return 5;
}

const INTEGER_LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;

function bodyLength(type: number): number {
  if (type < 10) return INTEGER_LENGTHS[type] as number;
  return (type - 12 - (type % 2)) / 2;
}
