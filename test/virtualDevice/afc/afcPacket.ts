import { AppError } from '../../../src/base/errors';
import type { ByteStream } from '../../../src/device/io/byteStream';

const MAGIC = Buffer.from('CFA6LPAA');
const HEADER = 40;
/** A host may write large files in one piece. */
const MAX_PACKET = 256 * 1024 * 1024;

export const Operation = {
  status: 0x01,
  data: 0x02,
  readDir: 0x03,
  truncate: 0x07,
  removePath: 0x08,
  makeDir: 0x09,
  getFileInfo: 0x0a,
  getDeviceInfo: 0x0b,
  fileOpen: 0x0d,
  fileOpenResult: 0x0e,
  fileRead: 0x0f,
  fileWrite: 0x10,
  fileSeek: 0x11,
  fileTell: 0x12,
  fileTellResult: 0x13,
  fileClose: 0x14,
  fileSetSize: 0x15,
  getConnectionInfo: 0x16,
  setConnectionOptions: 0x17,
  renamePath: 0x18,
  setFsBlockSize: 0x19,
  setSocketBlockSize: 0x1a,
  fileLock: 0x1b,
  makeLink: 0x1c,
  getFileHash: 0x1d,
  setFileModTime: 0x1e,
  getSizeOfPathContents: 0x21,
  removePathAndContents: 0x22,
} as const;

export const Status = {
  success: 0,
  unknownError: 1,
  unknownPacketType: 6,
  invalidArgument: 7,
  objectNotFound: 8,
  objectIsDirectory: 9,
  permissionDenied: 10,
  endOfData: 14,
  objectExists: 16,
  operationWouldBlock: 19,
} as const;

export interface AfcRequest {
  readonly number: bigint;
  readonly operation: number;
  /** What stands in the header's "this length". */
  readonly parameters: Buffer;
  /** What follows it: the data of a write. */
  readonly payload: Buffer;
}

/** @throws AppError `unexpectedReply` when the header makes no sense: the connection cannot go on. */
export async function readAfcPacket(stream: ByteStream): Promise<AfcRequest> {
  const header = await stream.read(HEADER);
  const entire = header.readBigUInt64LE(8);
  const own = header.readBigUInt64LE(16);
  if (!header.subarray(0, 8).equals(MAGIC)) throw new AppError('unexpectedReply', 'AFC: no CFA6LPAA');
  if (own < BigInt(HEADER) || own > entire || entire > BigInt(MAX_PACKET)) {
    throw new AppError('unexpectedReply', `AFC: lengths ${entire} and ${own}`);
  }
  const parameters = await stream.read(Number(own) - HEADER);
  const payload = await stream.read(Number(entire - own));
  return { number: header.readBigUInt64LE(24), operation: Number(header.readBigUInt64LE(32)), parameters, payload };
}

/** @param dataOnly the body is payload: "this length" leaves it out. */
export function afcPacket(number: bigint, operation: number, body: Buffer, dataOnly = false): Buffer {
  const packet = Buffer.alloc(HEADER + body.length);
  MAGIC.copy(packet, 0);
  packet.writeBigUInt64LE(BigInt(packet.length), 8);
  packet.writeBigUInt64LE(BigInt(dataOnly ? HEADER : packet.length), 16);
  packet.writeBigUInt64LE(number, 24);
  packet.writeBigUInt64LE(BigInt(operation), 32);
  body.copy(packet, HEADER);
  return packet;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
