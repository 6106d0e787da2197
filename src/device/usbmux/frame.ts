import { AppError } from '../../base/errors';
import type { ByteStream } from '../io/byteStream';

/** Four little-endian u32 before the plist: total length, version, message type, tag. */
export const HEADER_LENGTH = 16;
/** In bytes. Replies are a few KiB, a pair record some 10; the bound keeps a broken peer from asking for gigabytes. */
export const MAX_LENGTH = 1 << 20;
const VERSION_PLIST = 1;
const TYPE_PLIST = 8;

export interface FrameHeader {
  /** In bytes. */
  readonly bodyLength: number;
  /** The request's tag, echoed; 0 for events that the daemon sends by itself. */
  readonly tag: number;
}

/** @throws AppError `muxProtocol` for a header that announces no plist message of sensible length. */
export function decodeHeader(header: Buffer): FrameHeader {
  const length = header.readUInt32LE(0);
  const version = header.readUInt32LE(4);
  const type = header.readUInt32LE(8);
  if (length < HEADER_LENGTH || length > MAX_LENGTH) {
    throw new AppError('muxProtocol', `usbmux frame of ${length} bytes; expected ${HEADER_LENGTH} to ${MAX_LENGTH}`);
  }
  if (version !== VERSION_PLIST || type !== TYPE_PLIST) {
    throw new AppError('muxProtocol', `usbmux frame of version ${version}, type ${type}; expected a property list`);
  }
  return { bodyLength: length - HEADER_LENGTH, tag: header.readUInt32LE(12) };
}

/** @param body An XML property list; usbmuxd does not answer to others. */
export function encodeFrame(tag: number, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_LENGTH + body.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt32LE(VERSION_PLIST, 4);
  frame.writeUInt32LE(TYPE_PLIST, 8);
  frame.writeUInt32LE(tag, 12);
  body.copy(frame, HEADER_LENGTH);
  return frame;
}

/** @throws AppError `muxProtocol`; whatever the stream fails with. */
export async function readFrame(stream: ByteStream): Promise<{ readonly tag: number; readonly body: Buffer }> {
  const { bodyLength, tag } = decodeHeader(await stream.read(HEADER_LENGTH));
  return { tag, body: await stream.read(bodyLength) };
}
