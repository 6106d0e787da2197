/** A node of DER: enough to look at certificates. */
export interface DerNode {
  readonly tag: number;
  readonly content: Buffer;
}

/** @throws Error when the bytes are no DER. */
export function readDer(bytes: Buffer): DerNode[] {
  const nodes: DerNode[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = byteAt(bytes, at++);
    let length = byteAt(bytes, at++);
    if (length > 0x80) {
      const count = length & 0x7f;
      if (count > 4 || at + count > bytes.length) throw new Error('DER length out of bounds');
      length = bytes.readUIntBE(at, count);
      at += count;
    }
    if (at + length > bytes.length) throw new Error('DER value out of bounds');
    nodes.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return nodes;
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error('DER ends early');
  return byte;
}
