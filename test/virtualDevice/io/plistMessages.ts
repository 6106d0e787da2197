import { AppError } from '../../../src/base/errors';
import type { ByteStream } from '../../../src/device/io/byteStream';
import { encodeXmlPlist, parsePlist, type PlistDict, type PlistValue } from '../../../src/plist';

/** What a phone's daemons take in one message; only DeviceLink ones are longer. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/** u32BE length, then the body. @throws AppError `unexpectedReply` above `maxLength`. */
export async function readFramed(stream: ByteStream, maxLength = MAX_MESSAGE): Promise<Buffer> {
  const length = (await stream.read(4)).readUInt32BE(0);
  if (length > maxLength) throw new AppError('unexpectedReply', `the host announces a message of ${length} bytes`);
  return stream.read(length);
}

export async function writeFramed(stream: ByteStream, body: Uint8Array): Promise<void> {
  const header = Buffer.allocUnsafe(4);
  header.writeUInt32BE(body.length, 0);
  await stream.write(header);
  await stream.write(body);
}

/** @throws AppError `unexpectedReply` when the message is not a dictionary. */
export async function readPlistMessage(stream: ByteStream, maxLength?: number): Promise<PlistDict> {
  return toDict(await readFramed(stream, maxLength));
}

export function toDict(body: Uint8Array): PlistDict {
  let value: PlistValue;
  try {
    value = parsePlist(body);
  } catch (error) {
    throw new AppError('unexpectedReply', 'the host sends something that is no property list', { cause: error });
  }
  if (!(value instanceof Map)) throw new AppError('unexpectedReply', 'the host sends a message that is no dictionary');
  return value;
}

export function xmlBytes(value: PlistValue): Buffer {
  return Buffer.from(encodeXmlPlist(value));
}
