import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AppError } from '../../base/errors';

/** RFC 3394's initial value: it comes out again if, and only if, the key was the right one. */
const INITIAL = Buffer.alloc(8, 0xa6);
const BLOCK = 8;

/**
 * RFC 3394 key unwrap over AES-256-ECB, since the ready-made `id-aes256-wrap` is missing in Electron's BoringSSL.
 * @param wrapped 16 bytes or more, a multiple of 8: one block longer than the key inside.
 * @returns the key, or undefined if the integrity check fails: a wrong key-encryption key, or damage.
 * @throws AppError `keybagDamaged` for a length that no wrapped key has.
 */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  return unwrapKeys(kek, [wrapped])[0];
}

/**
 * The same for many keys of one length: a call of the cipher costs a hundred times as much as the block that it decrypts,
 * so each step is done for all of them at once.
 * @throws AppError `keybagDamaged` for a length that no wrapped key has, or another than the first one's.
 */
export function unwrapKeys(kek: Uint8Array, wrapped: readonly Uint8Array[]): (Buffer | undefined)[] {
  const length = wrapped[0]?.length ?? 0;
  if (wrapped.length === 0) return [];
  if (length < 3 * BLOCK || length % BLOCK !== 0 || wrapped.some((one) => one.length !== length)) {
    throw new AppError('keybagDamaged', `a wrapped key of ${length} bytes`);
  }
  const n = length / BLOCK - 1;
  const cipher = createDecipheriv('aes-256-ecb', kek, null).setAutoPadding(false);
  // Of each key two registers at a time: A and R[i].
  const blocks = Buffer.alloc(2 * BLOCK * wrapped.length);
  const registers = wrapped.map((one) => Buffer.from(one.subarray(BLOCK)));
  wrapped.forEach((one, index) => blocks.set(one.subarray(0, BLOCK), 2 * BLOCK * index));
  for (let j = 5; j >= 0; j--) {
    for (let i = n; i >= 1; i--) {
      const at = (i - 1) * BLOCK;
      registers.forEach((register, index) => {
        xorCounter(blocks, 2 * BLOCK * index, n * j + i);
        register.copy(blocks, (2 * index + 1) * BLOCK, at, at + BLOCK);
      });
      const plain = cipher.update(blocks);
      plain.copy(blocks);
      registers.forEach((register, index) => {
        plain.copy(register, at, (2 * index + 1) * BLOCK, 2 * (index + 1) * BLOCK);
      });
      plain.fill(0);
    }
  }
  const opened = registers.map((register, index) => {
    const start = 2 * BLOCK * index;
    if (blocks.subarray(start, start + BLOCK).equals(INITIAL)) return register;
    register.fill(0);
    return undefined;
  });
  blocks.fill(0);
  return opened;
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
      xorCounter(block, 0, n * j + i);
    }
  }
  return Buffer.concat([block.subarray(0, BLOCK), registers]);
}

/** The step number is XORed into the low end of the first register; it stays far below 2^32 here. */
function xorCounter(blocks: Buffer, at: number, step: number): void {
  blocks.writeUInt32BE((blocks.readUInt32BE(at + 4) ^ step) >>> 0, at + 4);
}
