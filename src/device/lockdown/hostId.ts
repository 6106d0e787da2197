import { createHash } from 'node:crypto';

/**
 * The HostID of this program on this computer: always the same for the same computer, so that a device that is paired
 * again knows it as the same host, and unlike the ones that other programs use.
 * @param systemBuid The computer's UUID, from usbmuxd.
 */
export function hostIdOf(systemBuid: string): string {
  const bytes = createHash('sha256').update(`ios-backup host ${systemBuid}`).digest().subarray(0, 16);
  // Marked as a UUID of version 8, "custom", and of the usual variant.
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x80;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const hex = bytes.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
