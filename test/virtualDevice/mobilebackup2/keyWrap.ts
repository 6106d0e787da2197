import { createCipheriv, createDecipheriv } from 'node:crypto';

/** RFC 3394's initial value. */
const INITIAL = Buffer.alloc(8, 0xa6);
const KEY_LENGTH = 32;
const WRAPPED_LENGTH = 40;

/**
 * Wraps many 32-byte keys with one key (RFC 3394). The six rounds of four steps each go over all keys at once, so that
 * the cipher is called 24 times, not 24 times a key.
 * @param keys 32 bytes for each.
 * @returns 40 bytes for each.
 */
export function wrapKeys(wrappingKey: Buffer, keys: Buffer): Buffer {
  const count = keys.length / KEY_LENGTH;
  const wrapped = Buffer.allocUnsafe(count * WRAPPED_LENGTH);
  for (let index = 0; index < count; index++) {
    INITIAL.copy(wrapped, index * WRAPPED_LENGTH);
    keys.copy(wrapped, index * WRAPPED_LENGTH + 8, index * KEY_LENGTH, (index + 1) * KEY_LENGTH);
  }
  const cipher = createCipheriv('aes-256-ecb', wrappingKey, null).setAutoPadding(false);
  const blocks = Buffer.allocUnsafe(count * 16);
  for (let round = 0; round < 6; round++) {
    for (let part = 1; part <= 4; part++) {
      for (let index = 0; index < count; index++) {
        const at = index * WRAPPED_LENGTH;
        wrapped.copy(blocks, index * 16, at, at + 8);
        wrapped.copy(blocks, index * 16 + 8, at + part * 8, at + part * 8 + 8);
      }
      const result = cipher.update(blocks);
      const step = round * 4 + part;
      for (let index = 0; index < count; index++) {
        const at = index * WRAPPED_LENGTH;
        result.copy(wrapped, at, index * 16, index * 16 + 8);
        wrapped[at + 7] = (wrapped[at + 7] as number) ^ step;
        result.copy(wrapped, at + part * 8, index * 16 + 8, index * 16 + 16);
      }
    }
  }
  return wrapped;
}

/** @returns the 32-byte key; undefined when the check fails: another key has wrapped it. */
export function unwrapKey(wrappingKey: Buffer, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length !== WRAPPED_LENGTH) return undefined;
  const key = Buffer.from(wrapped);
  const decipher = createDecipheriv('aes-256-ecb', wrappingKey, null).setAutoPadding(false);
  const block = Buffer.allocUnsafe(16);
  for (let step = 24; step > 0; step--) {
    const part = ((step - 1) % 4) + 1;
    key.copy(block, 0, 0, 8);
    block[7] = (block[7] as number) ^ step;
    key.copy(block, 8, part * 8, part * 8 + 8);
    const result = decipher.update(block);
    result.copy(key, 0, 0, 8);
    result.copy(key, part * 8, 8, 16);
  }
  return key.subarray(0, 8).equals(INITIAL) ? key.subarray(8) : undefined;
}
