import { createHmac } from 'node:crypto';

/** Repeatable bytes that stand for random ones: the same seed and label give the same. */
export function seededSecret(seed: number, label: string, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index * 32 < length; index++) {
    parts.push(createHmac('sha256', `virtual device ${seed}`).update(`${index} ${label}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** An upper-case UUID of 16 bytes. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
