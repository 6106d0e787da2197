import { decodeBinaryPlist } from './binaryDecoder';
import type { PlistLimits } from './limits';
import { PlistError } from './plistError';
import type { PlistValue } from './value';
import { decodeXmlPlist } from './xmlDecoder';

/** `bplist00`; devices and tools write no other version. */
const BINARY_MAGIC = [0x62, 0x70, 0x6c, 0x69, 0x73, 0x74, 0x30, 0x30];

/**
 * Reads a property list of either kind: devices answer in XML or binary as they like, so the first bytes decide.
 *
 * Safe for hostile bytes: time and memory stay in proportion to the input and the limits. Reals come as PlistReal from
 * both kinds, integers as number, or as bigint beyond ±2^53 (`numberOf()` and the readers take all of them). Data are
 * copies: the input may be reused.
 * @throws PlistError when the bytes are no property list or ask for more than the limits.
 */
export function parsePlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  if (bytes.length === 0) throw new PlistError('an empty file is no property list');
  if (isBinaryPlist(bytes)) return decodeBinaryPlist(bytes, limits);
  return decodeXmlPlist(bytes, limits);
}

export function isBinaryPlist(bytes: Uint8Array): boolean {
  return BINARY_MAGIC.every((byte, index) => bytes[index] === byte);
}
