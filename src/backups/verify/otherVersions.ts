import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { listBackups } from '../catalogue/listBackups';
import { isFileID } from '../format/fileID';
import type { Manifest } from '../format/manifest';
import { hashFile } from '../store/contents';
import type { FileSystem } from '../store/fileSystem';
import { findSidecar, type FoundSidecar } from '../store/findSidecar';
import { readSidecar, SIDECAR_COPIES } from '../store/sidecar';
import type { VerifyFinding } from '../types';

export interface OtherVersionsOptions {
  readonly fileSystem: FileSystem;
  readonly backup: string;
  readonly sidecar: FoundSidecar | undefined;
  readonly manifest: Manifest | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Kinds of findings that a whole copy of the file mends. */
const MENDABLE = new Set<VerifyFinding['kind']>([
  'missing',
  'wrongSize',
  'wrongHash',
  'undecryptable',
  'unreadable',
  'plist',
  'manifest',
  'database',
]);

/**
 * Says for every damaged file which other version of the same device, or our own second copy, holds the same content.
 * Proven, not guessed: the other file is read, and its hash is the one that was noted when this backup was made, or that
 * the device sent with it.
 */
export async function findInOtherVersions(
  findings: readonly VerifyFinding[],
  options: OtherVersionsOptions,
): Promise<readonly VerifyFinding[]> {
  const wanted = new Set<string>();
  for (const { severity, file, kind } of findings) {
    if (severity === 'damage' && file !== undefined && MENDABLE.has(kind)) wanted.add(file);
  }
  if (wanted.size === 0) return findings;
  const hashes = await expectedHashes(wanted, options);
  const found = new Map<string, string>();
  const { fileSystem, backup, sidecar, signal } = options;
  const prove = async (place: string, file: string, expected: Expected) => {
    throwIfAborted(signal);
    const whole = path.join(place, file);
    // Not there, or not to be read: no proof.
    const hash = await hashFile(fileSystem, whole, signal, expected.algorithm).catch(() => undefined);
    throwIfAborted(signal);
    if (hash === expected.hex) found.set(file, place);
  };
  if (sidecar) {
    for (const file of SIDECAR_COPIES) {
      const expected = wanted.has(file) ? hashes.get(file) : undefined;
      if (expected) await prove(sidecar.path, file, expected);
    }
  }
  for (const other of await otherVersions(fileSystem, backup, signal)) {
    for (const [file, expected] of hashes) if (!found.has(file)) await prove(other, file, expected);
  }
  return findings.map((finding) => {
    const alsoIn = finding.severity === 'damage' && finding.file !== undefined ? found.get(finding.file) : undefined;
    return alsoIn === undefined ? finding : { ...finding, alsoIn };
  });
}

interface Expected {
  readonly algorithm: 'sha256' | 'sha1';
  readonly hex: string;
}

/** From our own list; else what the device has sent with the file. */
async function expectedHashes(
  wanted: ReadonlySet<string>,
  { fileSystem, sidecar, manifest, signal }: OtherVersionsOptions,
): Promise<ReadonlyMap<string, Expected>> {
  const hashes = new Map<string, Expected>();
  if (sidecar) {
    for await (const entries of readSidecar(fileSystem, sidecar.path)) {
      throwIfAborted(signal);
      for (const { file, sha256 } of entries)
        if (wanted.has(file)) hashes.set(file, { algorithm: 'sha256', hex: sha256 });
    }
  }
  for (const file of wanted) {
    const id = path.posix.basename(file);
    if (hashes.has(file) || !manifest || !isFileID(id)) continue;
    const entry = manifest.find(id);
    const digest = entry?.ok ? entry.file.digest : undefined;
    if (digest) hashes.set(file, { algorithm: 'sha1', hex: digest.toString('hex') });
  }
  return hashes;
}

/** Newest first. */
async function otherVersions(
  fileSystem: FileSystem,
  backup: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const { backups } = await listBackups([{ path: path.dirname(backup), kind: 'added' }], { fileSystem, signal });
  const udid =
    backups.find(({ path: place }) => place === backup)?.udid ?? (await findSidecar(fileSystem, backup))?.meta.udid;
  return backups.filter((other) => other.path !== backup && other.udid === udid).map(({ path: place }) => place);
}
