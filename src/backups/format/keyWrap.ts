import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AppError } from '../../base/errors';

/** RFC 3394's initial value: it comes out again if, and only if, the key was the right one. */
const INITIAL = Buffer.alloc(8, 0xa6);
const BLOCK = 8;

/**
 * RFC 3394 key unwrap over AES-256-ECB, since the ready-made `id-aes256-wrap` is missing in Electron's BoringSSL.
 * @param wrapped 16 bytes or more, a multiple of 8: one block longer than the key inside.
 * @returns the key, or undefined if the integrity check fails: a wrong key-encryption key, or damage.
 */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length < 3 * BLOCK || wrapped.length % BLOCK !== 0) {
    throw new AppError('keybagDamaged', `a wrapped key of ${wrapped.length} bytes`);
  }
  const n = wrapped.length / BLOCK - 1;
  const cipher = createDecipheriv('aes-256-ecb', kek, null).setAutoPadding(false);
  const block = Buffer.alloc(2 * BLOCK);
  const registers = Buffer.from(wrapped.subarray(BLOCK));
  block.set(wrapped.subarray(0, BLOCK), 0);
  for (let j = 5; j >= 0; j--) {
    for (let i = n; i >= 1; i--) {
      xorCounter(block, n * j + i);
      registers.copy(block, BLOCK, (i - 1) * BLOCK, i * BLOCK);
      const plain = cipher.update(block);
      plain.copy(block, 0, 0, BLOCK);
      plain.copy(registers, (i - 1) * BLOCK, BLOCK);
      plain.fill(0);
    }
  }
  if (!block.subarray(0, BLOCK).equals(INITIAL)) {
    registers.fill(0);
    return undefined;
  }
  return registers;
}

/** RFC 3394 key wrap, the inverse of unwrapKey. */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Buffer {
  const n = key.length / BLOCK;
  const cipher = createCipheriv('aes-256-ecb', kek, null).setAutoPadding(false);
  const block = Buffer.alloc(2 * BLOCK);
  const registers = Buffer.from(key);
  INITIAL.copy(block);
  for (let j = 0; j <= 5; j++) {
    for (let i = 1; i <= n; i++) {
      registers.copy(block, BLOCK, (i - 1) * BLOCK, i * BLOCK);
      const sealed = cipher.update(block);
      sealed.copy(block, 0, 0, BLOCK);
      sealed.copy(registers, (i - 1) * BLOCK, BLOCK);
      xorCounter(block, n * j + i);
    }
  }
  return Buffer.concat([block.subarray(0, BLOCK), registers]);
}

/** The step number is XORed into the low end of the first register; it stays far below 2^32 here. */
function xorCounter(block: Buffer, step: number): void {
  block.writeUInt32BE((block.readUInt32BE(4) ^ step) >>> 0, 4);
}
