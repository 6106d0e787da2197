import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { abortable, throwIfAborted } from '../../base/abort';
import type { KeyDerivation } from './keybag';

const derive = promisify(pbkdf2);
const KEY_LENGTH = 32;

/**
 * The key that a backup's password stands for: PBKDF2 with SHA-256 (since iOS 10.2), then PBKDF2 with SHA-1. Real phones
 * ask for 10,000,000 rounds: 2 to 5 seconds on a thread of Node's pool, never on the calling one. Aborting ends the wait
 * at once; the thread finishes its step alone and its result is wiped.
 * @returns 32 bytes; the caller wipes them.
 * @throws AppError `cancelled`
 */
export async function deriveKey(password: string, derivation: KeyDerivation, signal?: AbortSignal): Promise<Buffer> {
  throwIfAborted(signal);
  let secret = Buffer.from(password, 'utf8');
  const { first } = derivation;
  const steps = [
    ...(first ? [{ ...first, digest: 'sha256' }] : []),
    { salt: derivation.salt, rounds: derivation.rounds, digest: 'sha1' },
  ];
  for (const { salt, rounds, digest } of steps) {
    const step = derive(secret, salt, rounds, KEY_LENGTH, digest);
    const input = secret;
    try {
      secret = await abortable(step, signal);
    } catch (error) {
      void step.then((late) => late.fill(0)).catch(() => {});
      throw error;
    } finally {
      // The pool works on a copy of its own.
      input.fill(0);
    }
  }
  return secret;
}
