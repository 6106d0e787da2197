import { throwIfAborted } from '../../base/abort';
import { isAppError } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import type { ByteSource } from '../format/byteSource';
import type { OpenedBackup } from './openedBackup';

export interface Difference {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly domain: string;
  readonly relativePath: string;
  readonly fileKind: BackupFile['kind'];
  /** Bytes, as the device recorded them; absent on the side where the file is not. */
  readonly sizeBefore?: number;
  readonly sizeAfter?: number;
  /** For `changed`: what differs first. `unreadable`: one side's content cannot be read. */
  readonly what?: 'kind' | 'size' | 'link' | 'content' | 'unreadable';
}

export interface CompareOptions {
  readonly signal?: AbortSignal;
  /** Compares contents also where size and date agree: slow, certain. */
  readonly thorough?: boolean;
  readonly onProgress?: (files: number) => void;
}

const CHUNK = 256 << 10;
const TURN = 500;

/**
 * What happened between two backups, domain by domain. Files are compared by kind, then size, then date, and where the
 * dates differ by content; never by their keys, which differ in every backup.
 * @throws AppError `passwordNeeded`, `cancelled`, `backupDamaged`
 */
export async function* compare(
  before: OpenedBackup,
  after: OpenedBackup,
  options: CompareOptions = {},
): AsyncGenerator<Difference> {
  const names = (backup: OpenedBackup) => backup.manifest.domainNames().map(({ domain }) => domain);
  let done = 0;
  for (const domain of [...new Set([...names(before), ...names(after)])].sort()) {
    const old = new Map<string, BackupFile>();
    for (const entry of before.manifest.entriesOfDomain(domain)) {
      if (entry.ok) old.set(entry.file.relativePath, entry.file);
    }
    for (const entry of after.manifest.entriesOfDomain(domain)) {
      if (!entry.ok) continue;
      const { file } = entry;
      const was = old.get(file.relativePath);
      old.delete(file.relativePath);
      const what = was && changeOf(before, was, after, file, options.thorough ?? false);
      if (!was) yield { kind: 'added', ...named(file), sizeAfter: file.size };
      else if (what) yield { kind: 'changed', ...named(file), sizeBefore: was.size, sizeAfter: file.size, what };
      if (++done % TURN === 0) {
        throwIfAborted(options.signal);
        options.onProgress?.(done);
        await new Promise(setImmediate);
      }
    }
    for (const file of old.values()) yield { kind: 'removed', ...named(file), sizeBefore: file.size };
  }
  throwIfAborted(options.signal);
}

function named({ domain, relativePath, kind }: BackupFile): Pick<Difference, 'domain' | 'relativePath' | 'fileKind'> {
  return { domain, relativePath, fileKind: kind };
}

function changeOf(
  before: OpenedBackup,
  was: BackupFile,
  after: OpenedBackup,
  is: BackupFile,
  thorough: boolean,
): Difference['what'] {
  if (was.kind !== is.kind) return 'kind';
  if (is.kind === 'directory') return undefined;
  if (is.kind === 'link') return was.linkTarget === is.linkTarget ? undefined : 'link';
  if (was.size !== is.size) return 'size';
  if (was.modified === is.modified && !thorough) return undefined;
  try {
    return sameContent(before, was, after, is) ? undefined : 'content';
  } catch (error) {
    if (isAppError(error)) return 'unreadable';
    throw error;
  }
}

function sameContent(before: OpenedBackup, was: BackupFile, after: OpenedBackup, is: BackupFile): boolean {
  const old = before.openContent(was);
  try {
    const now = after.openContent(is);
    try {
      return old.size === now.size && sameBytes(old, now);
    } finally {
      now.close();
    }
  } finally {
    old.close();
  }
}

function sameBytes(one: ByteSource, other: ByteSource): boolean {
  const length = Math.min(CHUNK, one.size);
  const [a, b] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)];
  for (let offset = 0; offset < one.size;) {
    const [countA, countB] = [one.read(a, offset), other.read(b, offset)];
    if (countA === 0 || countA !== countB || !a.subarray(0, countA).equals(b.subarray(0, countA))) return false;
    offset += countA;
  }
  return true;
}
