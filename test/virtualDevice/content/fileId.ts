import { createHash } from 'node:crypto';

/** Lower-case hex SHA-1 of domain, dash and path: the name of a file's content in a backup. */
export function fileIdOf(domain: string, path: string): string {
  return createHash('sha1').update(`${domain}-${path}`).digest('hex');
}
