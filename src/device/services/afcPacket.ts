import { AppError } from '../../base/errors';
import type { ByteStream } from '../io/byteStream';

const MAGIC = Buffer.from('CFA6LPAA', 'latin1');
/** Magic, whole length, length without payload, packet number, operation; each 8 bytes, little-endian. */
export const HEADER_LENGTH = 40;
/** In bytes; more than the largest block that we ask for. Listings of huge folders are some MiB. */
const MAX_BODY = 32 << 20;

export const AfcOperation = {
  status: 0x01,
  data: 0x02,
  readDirectory: 0x03,
  removePath: 0x08,
  makeDirectory: 0x09,
  fileInfo: 0x0a,
  deviceInfo: 0x0b,
  fileOpen: 0x0d,
  fileOpenResult: 0x0e,
  fileRead: 0x0f,
  fileWrite: 0x10,
  fileSeek: 0x11,
  fileClose: 0x14,
  rename: 0x18,
  fileLock: 0x1b,
  removePathAndContents: 0x22,
} as const;

export interface AfcPacket {
  readonly packetNumber: bigint;
  readonly operation: number;
  /** Parameters of a request, or everything that a reply carries. */
  readonly body: Buffer;
}

/** @param payload File content of a write; it follows the parameters and is counted apart. */
export function encodeAfcPacket({ packetNumber, operation, body }: AfcPacket, payload?: Uint8Array): Buffer {
  const withoutPayload = HEADER_LENGTH + body.length;
  const packet = Buffer.allocUnsafe(withoutPayload + (payload?.length ?? 0));
  MAGIC.copy(packet, 0);
  packet.writeBigUInt64LE(BigInt(packet.length), 8);
  packet.writeBigUInt64LE(BigInt(withoutPayload), 16);
  packet.writeBigUInt64LE(packetNumber, 24);
  packet.writeBigUInt64LE(BigInt(operation), 32);
  body.copy(packet, HEADER_LENGTH);
  if (payload) packet.set(payload, withoutPayload);
  return packet;
}

/** @throws AppError `unexpectedReply` for a header that is none; whatever the stream fails with. */
export async function readAfcPacket(stream: ByteStream): Promise<AfcPacket> {
  const header = await stream.read(HEADER_LENGTH);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC))
    throw new AppError('unexpectedReply', 'AFC: no packet where one begins');
  const whole = header.readBigUInt64LE(8);
  const withoutPayload = header.readBigUInt64LE(16);
  if (whole > MAX_BODY || withoutPayload < HEADER_LENGTH || withoutPayload > whole) {
    throw new AppError('unexpectedReply', `AFC: packet of ${whole} bytes, ${withoutPayload} without payload`);
  }
  const packetNumber = header.readBigUInt64LE(24);
  const operation = Number(header.readBigUInt64LE(32));
  // Devices divide a reply between parameters and payload in different ways; it is one body all the same.
  return { packetNumber, operation, body: await stream.read(Number(whole) - HEADER_LENGTH) };
}
