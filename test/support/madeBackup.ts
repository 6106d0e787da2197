import { execFileSync } from 'node:child_process';
import path from 'node:path';

declare const PROJECT_ROOT: string;

export const madePassword = 'correct horse ✓';
export const madeUdid = '00008120-001C2D3E4F506172';

export interface MadeBackup {
  /** `domain/path` → SHA-256 of its content. */
  readonly files: Readonly<Record<string, string>>;
  /** A text in every private file. */
  readonly marker: string;
}

/**
 * Makes a backup with a program that shares no code with the product (test/support/makeBackup.py; needs Python with
 * Cryptodome).
 * @param folder Must not exist.
 */
export function makeBackup(folder: string, ...options: readonly string[]): MadeBackup {
  const program = path.join(PROJECT_ROOT, 'test/support/makeBackup.py');
  const output = execFileSync('/usr/bin/python3', ['-W', 'ignore', program, folder, ...options], {
    input: `${madePassword}\n`,
    maxBuffer: 1 << 28,
  });
  return JSON.parse(output.toString('utf8')) as MadeBackup;
}
