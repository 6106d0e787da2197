import type { ByteStream } from '../../../src/device/io/byteStream';

const HEADER = 16;
/** A real daemon drops the connection without a word above this. */
const MAX_FRAME = 64 * 1024;

export interface MuxFrame {
  readonly version: number;
  readonly message: number;
  readonly tag: number;
  readonly payload: Buffer;
}

/** Four u32 little-endian (length of the whole, version, message, tag), then the payload. Undefined: a length out of bounds. */
export async function readMuxFrame(stream: ByteStream): Promise<MuxFrame | undefined> {
  const header = await stream.read(HEADER);
  const length = header.readUInt32LE(0);
  if (length < HEADER || length > MAX_FRAME) return undefined;
  return {
    version: header.readUInt32LE(4),
    message: header.readUInt32LE(8),
    tag: header.readUInt32LE(12),
    payload: await stream.read(length - HEADER),
  };
}

export function muxFrame({ version, message, tag, payload }: MuxFrame): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(HEADER + payload.length, 0);
  header.writeUInt32LE(version, 4);
  header.writeUInt32LE(message, 8);
  header.writeUInt32LE(tag, 12);
  return Buffer.concat([header, payload]);
}
