/** What a hand-made binary property list consists of. Each part can be given wrong. */
export interface BinaryParts {
  /** Encoded objects in the order of the offset table. */
  readonly objects: readonly (readonly number[])[];
  readonly top?: number;
  readonly offsetSize?: number;
  readonly referenceSize?: number;
  /** As the trailer states it. */
  readonly objectCount?: number | bigint;
  readonly tableOffset?: number | bigint;
  /** Replaces the offset of an object. */
  readonly offsets?: Readonly<Record<number, number>>;
}

/** Puts objects, offset table and trailer together, checking nothing. */
export function binaryPlist(parts: BinaryParts): Buffer {
  const { objects, top = 0, offsetSize = 2, referenceSize = 1, offsets = {} } = parts;
  const chunks: Buffer[] = [Buffer.from('bplist00')];
  const starts: number[] = [];
  let position = 8;
  for (const object of objects) {
    starts.push(position);
    chunks.push(Buffer.from(object));
    position += object.length;
  }
  const table = Buffer.alloc(objects.length * offsetSize);
  starts.forEach((start, index) => {
    if (offsetSize > 0) table.writeUIntBE(offsets[index] ?? start, index * offsetSize, Math.min(offsetSize, 6));
  });
  const trailer = Buffer.alloc(32);
  trailer[6] = offsetSize;
  trailer[7] = referenceSize;
  trailer.writeBigUInt64BE(BigInt(parts.objectCount ?? objects.length), 8);
  trailer.writeBigUInt64BE(BigInt(top), 16);
  trailer.writeBigUInt64BE(BigInt(parts.tableOffset ?? position), 24);
  return Buffer.concat([...chunks, table, trailer]);
}

/** Hex digits, with blanks and line ends where they help the reader. */
export function fromHex(text: string): Buffer {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex');
}

/** An ASCII string object of less than 15 characters. */
export function ascii(text: string): number[] {
  return [0x50 | text.length, ...Buffer.from(text, 'latin1')];
}
