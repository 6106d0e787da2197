import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError } from '../../base/errors';
import { type Log, silentLog } from '../../base/log';
import type { BackupStore } from '../../device';
import type { FileSystem } from '../store/fileSystem';
import { parseVersionName } from '../store/layout';
import { nodeFileSystem } from '../store/nodeFileSystem';
import { isUdid } from '../store/pathInside';
import { readSidecar, type SidecarEntry } from '../store/sidecar';
import { openStaging } from '../store/staging';
import { openStoreReader } from '../store/storeReader';
import type { VerifyFinding, VerifyReport } from '../types';
import { findSidecarOfDamaged } from './findSidecarOfDamaged';

export interface RepairRequest {
  /** Of the present backup, `<folder>/<UDID>`; a version is never changed. */
  readonly report: VerifyReport;
  readonly signal?: AbortSignal;
  readonly log?: Log;
  /** Files repaired so far. */
  readonly onProgress?: (files: number) => void;
}

export interface RepairResult {
  /** Of the repaired backup: the place of the damaged one. */
  readonly path: string;
  /** Where the damaged one is now. */
  readonly version?: string;
  readonly repaired: number;
  /** Damaged files of which no whole copy was found. */
  readonly left: number;
}

const CHUNK = 1 << 20;

/**
 * Makes a new version in which damaged files are replaced by the same files of other versions. The damaged backup is
 * only read: the new one is staged beside it and takes its place in one step, and each file that is brought in is hashed
 * once more against what was noted when the backup was made.
 * Without proof nothing is made, nor where the list of hashes of the new one would take a damaged file for good.
 * @returns `repaired` 0 if nothing was made
 * @throws AppError `notAllowed` for a version, `backupInUse`; what staging throws
 */
export async function repairBackup(request: RepairRequest): Promise<RepairResult> {
  const { report, signal, log = silentLog } = request;
  const fileSystem = nodeFileSystem();
  const folder = path.dirname(report.path);
  const udid = path.basename(report.path);
  if (!isUdid(udid) || parseVersionName(udid)) {
    throw new AppError('notAllowed', 'only the present backup of a device is repaired; versions stay as they are', {
      details: { path: report.path },
    });
  }
  const expected = await expectedEntries(fileSystem, report);
  const damaged = report.findings.filter(({ severity, file }) => severity === 'damage' && file !== undefined);
  const repairable = damaged.filter(({ alsoIn, file }) => alsoIn !== undefined && expected.has(file ?? ''));
  if (repairable.length === 0 || wouldForget(report, damaged, repairable, expected)) {
    return { path: report.path, repaired: 0, left: damaged.length };
  }
  const staging = await openStaging({ folder, udid, signal, log });
  try {
    if (staging.resumed) {
      throw new AppError('backupInUse', 'an interrupted backup of the device waits to be continued', {
        details: { path: report.path },
      });
    }
    let repaired = 0;
    for (const { file = '', alsoIn = '' } of repairable) {
      throwIfAborted(signal);
      const entry = expected.get(file);
      if (entry) await replace(fileSystem, staging.store, path.join(alsoIn, file), `${udid}/${file}`, entry, signal);
      repaired++;
      request.onProgress?.(repaired);
    }
    const committed = await staging.commit(
      async (staged) => {
        for (const { file = '' } of repairable) {
          const place = await staged.locate(file);
          const size = place === undefined ? undefined : (await fileSystem.stat(place)).sizeBytes;
          if (size !== expected.get(file)?.size) throw new AppError('fileDamaged', `${file} was not brought in`);
        }
      },
      { signal },
    );
    return { ...committed, repaired, left: damaged.length - repaired };
  } catch (error) {
    // Nothing has come from the device: it is not to be continued.
    await staging.discard().catch(() => staging.suspend());
    throw error;
  }
}

/** What each damaged file was when the backup was made. */
async function expectedEntries(
  fileSystem: FileSystem,
  { path: backup, findings }: VerifyReport,
): Promise<ReadonlyMap<string, SidecarEntry>> {
  const wanted = new Set(findings.map(({ file }) => file));
  const sidecar = await findSidecarOfDamaged(fileSystem, backup);
  const entries = new Map<string, SidecarEntry>();
  if (!sidecar) return entries;
  for await (const batch of readSidecar(fileSystem, sidecar.path)) {
    for (const entry of batch) if (wanted.has(entry.file)) entries.set(entry.file, entry);
  }
  return entries;
}

/**
 * The new version's list of hashes takes over what is known of untouched files, and reads the others. A damaged file
 * that stays and was written to would be taken for good from then on: rather no repair than a forgotten damage.
 */
function wouldForget(
  report: VerifyReport,
  damaged: readonly VerifyFinding[],
  repairable: readonly VerifyFinding[],
  expected: ReadonlyMap<string, SidecarEntry>,
): boolean {
  // Beyond the list nobody knows what they are.
  if (report.damages > report.findings.filter(({ severity }) => severity === 'damage').length) return true;
  return damaged.some((finding) => {
    if (repairable.includes(finding) || finding.kind === 'missing' || finding.file === undefined) return false;
    const stat = fs.lstatSync(path.join(report.path, finding.file), { throwIfNoEntry: false });
    const entry = expected.get(finding.file);
    return stat && entry && (stat.mtimeMs !== entry.modifiedMs || stat.size !== entry.size);
  });
}

async function replace(
  fileSystem: FileSystem,
  store: BackupStore,
  from: string,
  to: string,
  { sha256, file }: SidecarEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using source = await openStoreReader(fileSystem, from);
  const hash = createHash('sha256');
  const writer = await store.create(to);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
      throwIfAborted(signal);
      hash.update(buffer.subarray(0, count));
      await writer.write(buffer.subarray(0, count));
    }
    if (hash.digest('hex') !== sha256) throw new AppError('fileDamaged', `the other copy of ${file} has changed`);
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writer.commit();
}
