import { createDecipheriv, type Decipher } from 'node:crypto';

const BLOCK = 16;
/** Each file has a key of its own, so the format's fixed zero vector is no weakness. */
const ZERO_IV = Buffer.alloc(BLOCK);

/**
 * Decrypts whole blocks of AES-256-CBC from anywhere in a stored file.
 * @param blocks A multiple of 16 bytes.
 * @param previous The 16 stored bytes before them; undefined at the start of the file.
 */
export function decryptBlocks(key: Uint8Array, blocks: Uint8Array, previous?: Uint8Array): Buffer {
  return createContentDecipher(key, previous).update(blocks);
}

/**
 * For a content that is decrypted from one part to the next; each part is whole blocks, and the padding stays.
 * @param previous The 16 stored bytes before the first part; undefined at the start of the file.
 */
export function createContentDecipher(key: Uint8Array, previous?: Uint8Array): Decipher {
  return createDecipheriv('aes-256-cbc', key, previous ?? ZERO_IV).setAutoPadding(false);
}

/**
 * Length of the content whose last 16 decrypted bytes are given, for a stored file of `storedLength` bytes.
 * @returns undefined if the padding is not PKCS#7: the wrong key, damage, or a file captured while it grew.
 */
export function lengthWithoutPadding(lastBlock: Uint8Array, storedLength: number): number | undefined {
  const count = lastBlock[BLOCK - 1]!;
  if (count < 1 || count > BLOCK) return undefined;
  for (let i = BLOCK - count; i < BLOCK; i++) if (lastBlock[i] !== count) return undefined;
  return storedLength - count;
}

/** Length of the stored form of `length` bytes: always one to sixteen bytes of padding, but nothing for an empty file. */
export function storedLength(length: number): number {
  return length === 0 ? 0 : (Math.floor(length / BLOCK) + 1) * BLOCK;
}
