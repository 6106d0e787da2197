import { createHash } from 'node:crypto';

/** Name of a file's content in the backup. The bytes are hashed as they come: no Unicode or case normalisation. */
export function fileID(domain: string, relativePath: string): string {
  return createHash('sha1').update(`${domain}-${relativePath}`, 'utf8').digest('hex');
}

/** Whether `text` can be a file ID: 40 lower-case hex digits. Anything else must never become a path. */
export function isFileID(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}
