import fs from 'node:fs';
import path from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import { deriveKey } from '../format/deriveKey';
import { parseKeybag, type UnlockedKeybag, unlockKeybag } from '../format/keybag';
import { type Manifest, openManifest } from '../format/manifest';
import type { ManifestPlist } from '../format/manifestPlist';
import { readAppNames } from '../reader/appNames';
import { domainFolders } from '../reader/domainFolders';
import type { FoundSidecar } from '../store/findSidecar';
import { nodeFileSystem } from '../store/nodeFileSystem';
import { readSidecar, type SidecarEntry } from '../store/sidecar';
import type { VerifyFinding, VerifyLevel, VerifyReport } from '../types';
import { fullVerify } from './fullVerify';
import { findInOtherVersions } from './otherVersions';
import { findSidecarOfDamaged } from './findSidecarOfDamaged';
import { quickVerify } from './quickVerify';
import { progressFile, saveReport } from './savedReports';
import { readSoundManifestPlist } from './secondCopies';
import { VerifyProgress } from './verifyProgress';

export interface VerifyBackupRequest {
  /** The backup's folder. */
  readonly path: string;
  readonly level: VerifyLevel;
  /** Of an encrypted backup: with it names are known and contents are looked into. */
  readonly password?: string;
  /** Where the report goes, and how far a full check has come; absent: nowhere. */
  readonly stateFolder?: string;
  readonly signal?: AbortSignal;
  /** `fraction` 0..1. */
  readonly onProgress?: (progress: {
    readonly files: number;
    readonly bytes: number;
    readonly fraction?: number;
  }) => void;
}

/** What the check of names and sizes takes of a full one's progress. */
const QUICK_SHARE = 0.02;
const MAX_FINDINGS = 5000;

/**
 * Checks a backup, whatever made it. `quick`: the plists and the index open, every row has its file with the right
 * length. `full`: besides, every byte is what it was when the backup was made, and with the password what can be looked
 * into has the right form. Nothing in the backup is written. A full check that was stopped goes on where it was.
 * @throws AppError `notABackup`, `folderMissing`, `folderOffline`, `wrongPassword`, `keybagDamaged`, `noPermission`,
 *   `diskError`, `cancelled`
 */
export async function verifyBackup(request: VerifyBackupRequest): Promise<VerifyReport> {
  const { level, signal } = request;
  const folder = path.resolve(request.path);
  const startedAt = new Date().toISOString();
  const identity = identityOf(folder);
  const fileSystem = nodeFileSystem({ direct: true });
  const sidecar = await findSidecarOfDamaged(fileSystem, folder).catch(() => undefined);
  const received = sidecar && new ReceivedList(sidecar);
  const plist = await readSoundManifestPlist(fileSystem, folder, sidecar);
  const keybag = plist && (await unlock(plist, request.password, signal));
  let manifest: Manifest | undefined;
  try {
    const quick = await quickVerify(folder, {
      ...(keybag && { keybag }),
      ...(signal && { signal }),
      ...(received && { received: received.entries(), secondCopies: received.sidecar.path }),
      onProgress: (done, total) => {
        const share = total > 0 ? Math.min(1, done / total) : 1;
        request.onProgress?.(
          level === 'quick'
            ? { files: done, bytes: 0, fraction: share }
            : { files: 0, bytes: 0, fraction: share * QUICK_SHARE },
        );
      },
    });
    manifest = await openAnyManifest(folder, sidecar, plist, keybag, request.password);
    const findings: VerifyFinding[] = [...quick.findings];
    const notChecked = [...quick.notChecked];
    let { damages } = quick;
    if (level === 'full') {
      const progress = new VerifyProgress(progressFile(request.stateFolder, folder), {
        backup: folder,
        about: aboutOf(sidecar, plist, keybag),
      });
      try {
        const full = await fullVerify(folder, {
          manifest,
          keybag,
          received: received?.entries(),
          known: new Set(findings.flatMap(({ severity, file }) => (severity === 'damage' && file ? [file] : []))),
          progress,
          signal,
          onProgress: ({ files, bytes }) => {
            const share = Math.min(1, bytes / Math.max(1, quick.bytes));
            request.onProgress?.({ files, bytes, fraction: QUICK_SHARE + (1 - QUICK_SHARE) * share });
          },
        });
        findings.push(...full.findings);
        damages += full.findings.filter(({ severity }) => severity === 'damage').length;
        if (full.withoutHash > 0) {
          notChecked.push(
            `what is inside ${full.withoutHash} files: no hash of them is known, so only their form was checked`,
          );
        }
        progress.forget();
      } catch (error) {
        progress.save();
        throw error;
      }
      if (plist?.encrypted && !keybag) notChecked.push('whether every file decrypts: no password was given');
    }
    if (received?.damaged) {
      findings.push({
        kind: 'stray',
        severity: 'note',
        message: 'our own list of hashes is damaged; it was used as far as it goes',
      });
    }
    refuseVanished(folder, identity, damages);
    const known = await findInOtherVersions(findings.slice(0, MAX_FINDINGS), {
      fileSystem,
      backup: folder,
      sidecar,
      manifest,
      signal,
    });
    const report: VerifyReport = {
      path: folder,
      level,
      startedAt,
      endedAt: new Date().toISOString(),
      files: quick.files,
      bytes: quick.bytes,
      findings: await named(known, sidecar?.path ?? folder, plist),
      damages,
      hashesKnown: sidecar !== undefined,
      notChecked,
    };
    saveReport(request.stateFolder, report);
    return report;
  } finally {
    manifest?.close();
    keybag?.clear();
  }
}

/** The hashes kept about a backup, and whether all of them could be read. */
class ReceivedList {
  damaged = false;

  constructor(readonly sidecar: FoundSidecar) {}

  async *entries(): AsyncGenerator<readonly SidecarEntry[]> {
    let count = 0;
    try {
      for await (const entries of readSidecar(nodeFileSystem({ direct: true }), this.sidecar.path)) {
        count += entries.length;
        yield entries;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      this.damaged = true;
      return;
    }
    if (count !== this.sidecar.meta.files) this.damaged = true;
  }
}

async function unlock(
  { encrypted, keybag }: ManifestPlist,
  password: string | undefined,
  signal: AbortSignal | undefined,
): Promise<UnlockedKeybag | undefined> {
  if (!encrypted || password === undefined || !keybag) return undefined;
  const parsed = parseKeybag(keybag);
  // Keyboards and systems differ in how they compose accents.
  for (const form of new Set([password, password.normalize('NFC'), password.normalize('NFD')])) {
    const key = await deriveKey(form, parsed.derivation, signal);
    try {
      return unlockKeybag(parsed, key);
    } catch (error) {
      if (!isAppError(error, 'wrongPassword')) throw error;
    } finally {
      key.fill(0);
    }
  }
  throw new AppError('wrongPassword', 'no class key opens');
}

/** For names and hashes; that the backup's own index is damaged, quickVerify() has said. */
async function openAnyManifest(
  folder: string,
  sidecar: FoundSidecar | undefined,
  plist: ManifestPlist | undefined,
  keybag: UnlockedKeybag | undefined,
  password: string | undefined,
): Promise<Manifest | undefined> {
  for (const place of [folder, ...(sidecar ? [sidecar.path] : [])]) {
    try {
      return await openManifest(place, plist ?? { encrypted: false }, keybag, password);
    } catch (error) {
      if (!isAppError(error) || error.code === 'cancelled') throw error;
    }
  }
  return undefined;
}

/** What makes two checks the same check. */
function aboutOf(sidecar: FoundSidecar | undefined, plist: ManifestPlist | undefined, keybag: unknown): string {
  const { version, date } = plist ?? {};
  return JSON.stringify([sidecar?.meta.id, version, date?.toISOString(), keybag !== undefined]);
}

function identityOf(folder: string): string | undefined {
  try {
    const stat = fs.statSync(folder);
    if (!stat.isDirectory()) throw new AppError('notABackup', `${folder} is no folder`, { details: { path: folder } });
    return `${stat.dev}:${stat.ino}`;
  } catch (error) {
    if (isAppError(error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const details = { path: folder };
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new AppError('folderMissing', `${folder} is not there`, { details });
    if (code === 'EACCES' || code === 'EPERM') throw new AppError('noPermission', `${folder}: ${code}`, { details });
    throw new AppError('diskError', `${folder}: ${String(code)}`, { cause: error, details });
  }
}

/** A disk that goes away takes every file with it: that is no damage. @throws AppError `folderOffline` */
function refuseVanished(folder: string, identity: string | undefined, damages: number): void {
  if (damages === 0) return;
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (stat && `${stat.dev}:${stat.ino}` === identity) return;
  throw new AppError('folderOffline', `${folder} went away during the check`, { details: { path: folder } });
}

async function named(
  findings: readonly VerifyFinding[],
  folder: string,
  plist: ManifestPlist | undefined,
): Promise<readonly VerifyFinding[]> {
  const domains = [...new Set(findings.flatMap(({ domain }) => (domain === undefined ? [] : [domain])))];
  if (domains.length === 0) return findings;
  const names = await readAppNames(folder, plist ?? { encrypted: false });
  const owners = new Map(
    domainFolders(
      domains.map((domain) => ({ domain, hasFiles: true })),
      names,
    ).map(({ domain, path: owner }) => [domain, owner]),
  );
  return findings.map((finding) => {
    const owner = finding.domain === undefined ? undefined : owners.get(finding.domain);
    return owner === undefined ? finding : { ...finding, owner };
  });
}
