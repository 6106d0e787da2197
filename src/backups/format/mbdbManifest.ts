import type { BackupFile } from './backupFile';
import type { Manifest, ManifestEntry } from './manifest';
import { parseManifestMbdb } from './manifestMbdb';
import { contentOf } from './manifestRow';

/** Entries looked at between two turns of the caller. */
const MATCH_TURN = 5000;

/**
 * Manifest.mbdb: before iOS 10. All of it is kept in memory, as backups of that time had some ten thousand files.
 * @throws AppError `backupDamaged` if it is no mbdb at all.
 */
export function mbdbManifest(bytes: Buffer): Manifest {
  const { files, damagedAt } = parseManifestMbdb(bytes);
  const entries = files.map((file): ManifestEntry => ({ ok: true, file }));
  const byDomain = groupByDomain(files);
  const byID = new Map(entries.map((entry) => [entry.ok ? entry.file.fileID : '', entry]));
  return {
    layout: 'flat',
    ...(damagedAt === undefined ? {} : { damage: `Manifest.mbdb cannot be read from byte ${damagedAt} on` }),
    *entries() {
      yield* entries;
    },
    *contents() {
      for (const entry of entries) yield contentOf(entry);
    },
    *entriesOfDomain(domain) {
      for (const file of byDomain.get(domain) ?? []) yield { ok: true, file };
    },
    *entriesOfShard(prefix) {
      for (const file of files) if (file.fileID.startsWith(prefix)) yield { ok: true, file };
    },
    *namesOfDomain(domain) {
      yield* byDomain.get(domain) ?? [];
    },
    *matchNames(words) {
      const wanted = words.map((word) => word.toLowerCase());
      let seen = 0;
      for (const file of files) {
        const name = `${file.domain}/${file.relativePath}`.toLowerCase();
        if (wanted.every((word) => name.includes(word))) yield file;
        if (++seen % MATCH_TURN === 0) yield undefined;
      }
    },
    domainNames: () =>
      [...byDomain].map(([domain, all]) => ({ domain, hasFiles: all.some(({ kind }) => kind === 'file') })),
    domains: () =>
      [...byDomain].map(([domain, all]) => ({ domain, files: all.filter(({ kind }) => kind === 'file').length })),
    find: (fileID) => byID.get(fileID),
    findContent: () => undefined,
    findNamed: () => undefined,
    close() {},
  };
}

function groupByDomain(files: readonly BackupFile[]): Map<string, BackupFile[]> {
  const groups = new Map<string, BackupFile[]>();
  for (const file of files) {
    const group = groups.get(file.domain);
    if (group) group.push(file);
    else groups.set(file.domain, [file]);
  }
  return groups;
}
