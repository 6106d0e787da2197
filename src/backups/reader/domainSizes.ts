import type { OpenedBackup } from './openedBackup';
import { Turns } from './turns';

/** What one domain holds, and what became of it since another backup. */
export interface DomainSize {
  readonly domain: string;
  /** What people call it: `Apps/Notes`, `Camera Roll`. */
  readonly name: string;
  readonly files: number;
  /** Bytes, as the device recorded them. */
  readonly bytes: number;
  /** In the backup before; absent without one. */
  readonly before?: { readonly files: number; readonly bytes: number };
}

export interface DomainSizesOptions {
  /** The version before, opened too. */
  readonly before?: OpenedBackup;
  readonly signal?: AbortSignal;
  /** Rows read so far. */
  readonly onProgress?: (files: number) => void;
}

/**
 * How much each app and each part of the phone takes, largest first. Domains that hold files in neither backup are left
 * out; of rows that cannot be read nothing is known, so they count as nothing.
 * @throws AppError `passwordNeeded`, `backupDamaged`, `cancelled`
 */
export async function domainSizes(
  backup: OpenedBackup,
  { before, signal, onProgress }: DomainSizesOptions = {},
): Promise<readonly DomainSize[]> {
  const turns = new Turns(signal);
  let done = 0;
  const count = async (opened: OpenedBackup) => {
    const sums = new Map<string, { files: number; bytes: number }>();
    for (const entry of opened.manifest.entries()) {
      if (entry.ok && entry.file.kind === 'file') {
        const sum = sums.get(entry.file.domain) ?? { files: 0, bytes: 0 };
        sum.files++;
        sum.bytes += Math.max(0, entry.file.size);
        sums.set(entry.file.domain, sum);
      }
      if (++done % 500 === 0) {
        onProgress?.(done);
        await turns.next();
      }
    }
    return sums;
  };
  const now = await count(backup);
  const then = before && (await count(before));
  const paths = await backup.paths();
  const olderPaths = await before?.paths();
  const none = { files: 0, bytes: 0 };
  return [...new Set([...now.keys(), ...(then?.keys() ?? [])])]
    .map((domain) => ({
      domain,
      name: paths.pathOf(domain, '') ?? olderPaths?.pathOf(domain, '') ?? domain,
      ...(now.get(domain) ?? none),
      ...(then && { before: then.get(domain) ?? none }),
    }))
    .sort((one, other) => other.bytes - one.bytes || (one.name < other.name ? -1 : 1));
}
