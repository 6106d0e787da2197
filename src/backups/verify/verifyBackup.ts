import fs from 'node:fs';
import path from 'node:path';
import { AppError, isAppError, isCancellation } from '../../base/errors';
import { deriveKey } from '../format/deriveKey';
import { parseKeybag, type UnlockedKeybag, unlockKeybag } from '../format/keybag';
import type { Manifest } from '../format/manifest';
import { openManifest } from '../format/openManifest';
import type { ManifestPlist } from '../format/manifestPlist';
import { readAppNames } from '../reader/appNames';
import { domainFolders } from '../reader/domainFolders';
import { diskFailure, isMissing } from '../store/diskErrors';
import type { FoundSidecar } from '../store/findSidecar';
import { nodeFileSystem } from '../store/nodeFileSystem';
import { readSidecar, type SidecarEntry } from '../store/sidecar';
import type { VerifyFinding, VerifyLevel, VerifyReport } from '../types';
import { MAX_FINDINGS } from './findings';
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

/**
 * Checks a backup, whatever made it. `quick`: the plists and the index open, every row has its file with the right
 * length. `full`: besides, every byte is what it was when the backup was made, and with the password what can be looked
 * into has the right form. Nothing in the backup is written. A full check that was stopped goes on where it was.
 * @throws AppError `notABackup`, `folderMissing`, `folderOffline`, `wrongPassword`, `keybagDamaged`, `noPermission`,
 *   `diskError`, `cancelled`
 */
export async function verifyBackup(request: VerifyBackupRequest): Promise<VerifyReport> {
  const folder = path.resolve(request.path);
  const identity = identityOf(folder);
  try {
    const report = await check(folder, request);
    if (report.damages > 0) refuseVanished(folder, identity);
    saveReport(request.stateFolder, report);
    return report;
  } catch (error) {
    if (!isCancellation(error) && !isAppError(error, 'wrongPassword')) refuseVanished(folder, identity);
    throw diskFailure(error, { doing: 'check', path: folder });
  }
}

async function check(folder: string, request: VerifyBackupRequest): Promise<VerifyReport> {
  const { level, signal } = request;
  const startedAt = new Date().toISOString();
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
          sizesTold: quick.damages > quick.findings.filter(({ severity }) => severity === 'damage').length,
          totalBytes: quick.bytes,
          known: new Set(findings.flatMap(({ severity, file }) => (severity === 'damage' && file ? [file] : []))),
          progress,
          signal,
          onProgress: ({ files, bytes }) => {
            const share = Math.min(1, bytes / Math.max(1, quick.bytes));
            request.onProgress?.({ files, bytes, fraction: QUICK_SHARE + (1 - QUICK_SHARE) * share });
          },
        });
        findings.push(...full.findings);
        damages += full.damages;
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
    const known = await findInOtherVersions(findings.slice(0, MAX_FINDINGS), {
      fileSystem,
      backup: folder,
      sidecar,
      manifest,
      signal,
    });
    return {
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

/** Tells whether it is the same folder still. @throws AppError */
function identityOf(folder: string): string {
  const details = { path: folder };
  let stat: fs.Stats;
  try {
    stat = fs.statSync(folder);
  } catch (error) {
    if (isMissing(error)) throw new AppError('folderMissing', `${folder} is not there`, { details });
    throw diskFailure(error, { doing: 'check', path: folder });
  }
  if (!stat.isDirectory()) throw new AppError('notABackup', `${folder} is no folder`, { details });
  return `${stat.dev}:${stat.ino}`;
}

/** A disk that goes away takes every file with it: that is no damage. @throws AppError `folderOffline` */
function refuseVanished(folder: string, identity: string): void {
  let now: string | undefined;
  try {
    now = identityOf(folder);
  } catch {
    // It is not there any more.
  }
  if (now === identity) return;
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
