import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../base/errors';

const IV = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

/** What the table Properties of an iOS 10.0 Manifest.db says about the encryption of its records. */
export interface RecordProperties {
  readonly salt: Uint8Array;
  /** SHA-256 of password and salt. */
  readonly passwordHash: Uint8Array;
}

/**
 * The key of the records of an encrypted backup made by iOS 10.0, which encrypted each row's record alone.
 * @returns 16 bytes; the caller wipes them.
 * @throws AppError `wrongPassword`
 */
export function recordKey(password: string, { salt, passwordHash }: RecordProperties): Buffer {
  const salted = Buffer.concat([Buffer.from(password, 'utf8'), salt]);
  try {
    const hash = createHash('sha256').update(salted).digest();
    if (passwordHash.length !== hash.length || !timingSafeEqual(hash, passwordHash)) {
      throw new AppError('wrongPassword', 'the password does not fit the hash in Manifest.db');
    }
    return createHash('sha1').update(salted).digest().subarray(0, 16);
  } finally {
    salted.fill(0);
  }
}

/** @throws AppError `fileDamaged` if it does not decrypt. */
export function decryptRecord(key: Uint8Array, stored: Uint8Array): Buffer {
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, IV);
    return Buffer.concat([decipher.update(stored), decipher.final()]);
  } catch (error) {
    throw new AppError('fileDamaged', 'an encrypted record does not decrypt', { cause: error });
  }
}
