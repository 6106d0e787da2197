/** SQLite's variable-length integer: seven bits a byte, most significant first. Up to 2^53 here. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  if (value < 0x80) {
    bytes[at] = value;
    return at + 1;
  }
  const length = varintLength(value);
  for (let index = length - 1, rest = value; index >= 0; index--) {
    bytes[at + index] = (rest % 128) | (index === length - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return at + length;
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** @returns the value and the place behind it. @throws RangeError beyond the end of the bytes. */
export function readVarint(bytes: Buffer, at: number): readonly [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 9; index++) {
    const byte = bytes.readUInt8(at + index);
    if (index === 8) return [value * 256 + byte, at + 9];
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + index + 1];
  }
  return [value, at + 9];
}
