import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileSystem } from './fileSystem';
import { readLines } from './lines';
import { readJson, readSmallFile } from './smallFiles';

/**
 * What we keep about a finished backup, outside of it: a SHA-256 of every file, and second copies of the files without
 * which nothing can be read.
 *
 * ```text
 * <folder>/.ios-backup/sidecars/<UDID>/<id>/
 *     meta.json      which backup it belongs to
 *     files.sha256   as `sha256sum -c` takes it, run inside the backup's folder
 *     files.stat     line by line the same files: size, mtime (ms), inode
 *     Manifest.db  Manifest.plist  Info.plist  Status.plist   (those that exist)
 * ```
 */
export interface SidecarMeta {
  readonly version: 1;
  readonly id: string;
  readonly udid: string;
  /** The backup folder's name when it was finished; commits and people rename it. */
  readonly name: string;
  /** ISO time. */
  readonly createdAt: string;
  readonly prints: BackupPrints;
  readonly files: number;
  readonly bytes: number;
}

/** By what a backup is known again after it was renamed, and even if one of its files is damaged. */
export interface BackupPrints {
  /** SHA-256 in hex. */
  readonly status?: string;
  readonly manifest?: string;
  readonly database?: {
    readonly file: string;
    readonly size: number;
    readonly modifiedMs: number;
    readonly inode: number;
  };
}

export interface SidecarEntry {
  /** Inside the backup, `/`-separated. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly modifiedMs: number;
  readonly inode: number;
}

export const SIDECAR_COPIES = ['Manifest.db', 'Manifest.mbdb', 'Manifest.plist', 'Info.plist', 'Status.plist'] as const;

const DATABASES = ['Manifest.db', 'Manifest.mbdb'];
/** Manifest.plist of a phone with a thousand apps has some hundred kilobytes. */
const MAX_PLIST_BYTES = 256 * 1024 * 1024;

/** The entries in the order of walkFiles(), in batches. @param sidecar Its folder. @throws AppError or a system error */
export async function* readSidecar(fileSystem: FileSystem, sidecar: string): AsyncGenerator<readonly SidecarEntry[]> {
  const stats = readLines(fileSystem, path.join(sidecar, 'files.stat'));
  let statLines: readonly string[] = [];
  let next = 0;
  try {
    for await (const lines of readLines(fileSystem, path.join(sidecar, 'files.sha256'))) {
      const entries: SidecarEntry[] = [];
      for (const line of lines) {
        while (next >= statLines.length) {
          const more = await stats.next();
          if (more.done) {
            if (entries.length > 0) yield entries;
            return;
          }
          statLines = more.value;
          next = 0;
        }
        const entry = parseEntry(line, statLines[next++]!);
        if (entry) entries.push(entry);
      }
      if (entries.length > 0) yield entries;
    }
  } finally {
    await stats.return(undefined);
  }
}

/** @throws a system error for what cannot be read */
export async function readSidecarMeta(fileSystem: FileSystem, sidecar: string): Promise<SidecarMeta | undefined> {
  const value = (await readJson(fileSystem, path.join(sidecar, 'meta.json'))) as
    Partial<SidecarMeta> | null | undefined;
  if (!value || value.version !== 1 || typeof value.id !== 'string' || typeof value.udid !== 'string') return undefined;
  if (typeof value.name !== 'string' || typeof value.createdAt !== 'string' || typeof value.prints !== 'object')
    return undefined;
  return value as SidecarMeta;
}

export function sumsLine(file: string, sha256: string): string {
  // As sha256sum marks names that do not fit into a line.
  if (!/[\\\n\r]/.test(file)) return `${sha256}  ${file}`;
  const escaped = file.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `\\${sha256}  ${escaped}`;
}

export async function readPrints(fileSystem: FileSystem, backup: string): Promise<BackupPrints> {
  const print = async (name: string) => {
    const bytes = await readSmallFile(fileSystem, path.join(backup, name), MAX_PLIST_BYTES).catch(() => undefined);
    return bytes && createHash('sha256').update(bytes).digest('hex');
  };
  const status = await print('Status.plist');
  const manifest = await print('Manifest.plist');
  const database = await findDatabase(fileSystem, backup);
  return { ...(status && { status }), ...(manifest && { manifest }), ...(database && { database }) };
}

/** How sure it is that both are of the same backup; 0 if they are not. One damaged file is forgiven. */
export function likeness(one: BackupPrints, other: BackupPrints): number {
  const status = one.status !== undefined && one.status === other.status ? 2 : 0;
  const manifest = one.manifest !== undefined && one.manifest === other.manifest ? 2 : 0;
  const [left, right] = [one.database, other.database];
  const sameSize = left && right && left.file === right.file && left.size === right.size;
  const database = !sameSize ? 0 : left.modifiedMs === right.modifiedMs && left.inode === right.inode ? 3 : 1;
  const points = status + manifest + database;
  // Every run rewrites Status.plist: where it differs, all the rest must speak for damage to it alone.
  const differs = one.status !== undefined && other.status !== undefined && status === 0;
  return points >= (differs ? 5 : 2) ? points : 0;
}

async function findDatabase(fileSystem: FileSystem, backup: string): Promise<BackupPrints['database']> {
  for (const file of DATABASES) {
    const stat = await fileSystem.stat(path.join(backup, file)).catch(() => undefined);
    if (stat?.type === 'file') return { file, size: stat.sizeBytes, modifiedMs: stat.modifiedMs, inode: stat.inode };
  }
  return undefined;
}

function parseEntry(sums: string, stat: string): SidecarEntry | undefined {
  const [, escaped, sha256, name] = /^(\\?)([0-9a-f]{64}) {2}([^]+)$/.exec(sums) ?? [];
  const [size, modifiedMs, inode] = stat.split(' ').map(Number) as [number, number?, number?];
  if (!sha256 || !name || modifiedMs === undefined || inode === undefined || !Number.isFinite(inode)) return undefined;
  const file = escaped ? unescape(name) : name;
  // A list of ours has no such names: somebody else wrote this one, to lead us out of the backup.
  if (/(?:^|\/)\.{0,2}(?:\/|$)/.test(file) || file.includes('\0')) return undefined;
  return { file, size, sha256, modifiedMs, inode };
}

function unescape(text: string): string {
  return text.replace(/\\([\\nr])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\');
}
