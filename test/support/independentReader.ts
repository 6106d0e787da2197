import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { DeviceContent } from '../virtualDevice/content/deviceContent';

/** What test/support/readBackup.py finds in a backup. */
export interface IndependentReading {
  readonly encrypted: boolean;
  /** Protection classes whose keys opened. */
  readonly classes: readonly number[];
  /** fileID, domain, path, flags, size, SHA-1 of the plain content, whether there is a digest. */
  readonly rows: readonly (readonly [string, string, string, number, number, string | null, boolean])[];
  readonly problems: readonly string[];
}

/** Opens a backup with a reader that shares no code with this project. @throws Error with what it says when it fails. */
export function readIndependently(folder: string, password = ''): Promise<IndependentReading> {
  const script = path.join(PROJECT_ROOT, 'test', 'support', 'readBackup.py');
  return new Promise((resolve, reject) => {
    const child = execFile('/usr/bin/python3', [script, folder], { maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim() || error.message, { cause: error }));
      else resolve(JSON.parse(stdout) as IndependentReading);
    });
    child.stdin?.end(`${password}\n`);
  });
}

/** SHA-1 of every file's content by domain and path, as the device has them. */
export function contentHashes(content: DeviceContent): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const entry of content.files()) {
    const bytes = Buffer.alloc(entry.size);
    entry.fill(0, bytes);
    hashes.set(entry.name, createHash('sha1').update(bytes).digest('hex'));
  }
  return hashes;
}
