import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { type AppError, isAppError } from '../../base/errors';
import { getOptionalString } from '../../plist';
import type { VerifyFinding } from '../types';
import type { BackupFile } from '../format/backupFile';
import { storedLength } from '../format/fileCipher';
import type { UnlockedKeybag } from '../format/keybag';
import { openManifest } from '../format/manifest';
import { type ManifestPlist, readManifestPlist, readPlistFile } from '../format/manifestPlist';
import type { BackupTree } from '../store/backupTree';
import { BlobIndex } from './blobIndex';

/** Rows between two turns of the event loop. */
const CHUNK = 500;
/** A folder with a million files missing is damaged all the same; the count goes on, the list does not. */
const MAX_FINDINGS = 5000;

export interface QuickVerifyOptions {
  /** Opens an encrypted Manifest; without it only what needs no key is checked. */
  readonly keybag?: UnlockedKeybag;
  readonly signal?: AbortSignal;
  /** Where the contents are, if not all of them lie in the folder of the plists and the Manifest. */
  readonly tree?: BackupTree;
  /** Rows done, and how many contents there are. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface QuickVerifyResult {
  /** Contents on disk, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly VerifyFinding[];
  /** All findings of severity `damage`, also those beyond the list. */
  readonly damages: number;
  /** What could not be checked, in English: `contents: the backup is encrypted and no password was given`. */
  readonly notChecked: readonly string[];
}

/**
 * Is this a whole backup? The three plists and the Manifest open, its last run is finished, every row has its content
 * with the right length, and nothing strange lies about. Reads names and sizes, not contents; opens nothing for writing.
 * @throws AppError `notABackup`, `cancelled`, `noPermission`, `diskError`
 */
export async function quickVerify(folder: string, options: QuickVerifyOptions = {}): Promise<QuickVerifyResult> {
  const findings = new Findings();
  const notChecked: string[] = [];
  const plist = await manifestPlistOf(folder, findings);
  await checkStatus(folder, findings);
  await findings.plistProblem('Info.plist', readPlistFile(path.join(folder, 'Info.plist')), 'note');
  const blobs = options.tree
    ? await BlobIndex.scanTree(options.tree, options.signal)
    : await BlobIndex.scan(folder, options.signal);
  for (const name of blobs.strangers) findings.note({ kind: 'stray', file: name, message: 'belongs to no backup' });
  const result = () => ({
    files: blobs.count,
    bytes: blobs.bytes,
    findings: findings.list,
    damages: findings.damages,
    notChecked,
  });
  if (!plist) return result();

  if (plist.encrypted && plist.manifestKey && !options.keybag) {
    notChecked.push('the list of files: the backup is encrypted and no password was given');
    checkLengthsAlone(blobs, findings);
    return result();
  }
  await checkRows(folder, plist, blobs, findings, options);
  return result();
}

async function manifestPlistOf(folder: string, findings: Findings): Promise<ManifestPlist | undefined> {
  try {
    return await readManifestPlist(folder);
  } catch (error) {
    if (!isAppError(error, 'backupDamaged')) throw error;
    findings.damage({ kind: 'plist', file: 'Manifest.plist', message: error.message });
    return undefined;
  }
}

async function checkStatus(folder: string, findings: Findings): Promise<void> {
  const status = await findings.plistProblem(
    'Status.plist',
    readPlistFile(path.join(folder, 'Status.plist')),
    'damage',
  );
  if (!status) return;
  const state = getOptionalString(status, 'SnapshotState');
  if (state !== 'finished') {
    findings.damage({
      kind: 'status',
      file: 'Status.plist',
      message: `its last run is not finished (${state ?? 'no state'})`,
    });
  }
}

async function checkRows(
  folder: string,
  plist: ManifestPlist,
  blobs: BlobIndex,
  findings: Findings,
  { keybag, signal, onProgress }: QuickVerifyOptions,
): Promise<void> {
  let done = 0;
  try {
    const manifest = await openManifest(folder, plist, keybag);
    try {
      if (manifest.damage) findings.damage({ kind: 'manifest', message: manifest.damage });
      for (const entry of manifest.entries()) {
        if (entry.ok) checkRow(entry.file, plist.encrypted, blobs, findings);
        else {
          const { fileID, domain, relativePath, reason } = entry;
          blobs.take(/^[0-9a-f]{40}$/.test(fileID) ? fileID : '00');
          findings.damage({ kind: 'badRow', domain, relativePath, message: reason });
        }
        if (++done % CHUNK === 0) {
          throwIfAborted(signal);
          onProgress?.(done, blobs.count);
          await new Promise(setImmediate);
        }
      }
    } finally {
      manifest.close();
    }
  } catch (error) {
    if (!isAppError(error) || !isManifestTrouble(error)) throw error;
    findings.damage({ kind: 'manifest', file: 'Manifest.db', message: error.message });
    return;
  }
  for (const fileID of blobs.untaken()) {
    findings.note({ kind: 'stray', file: `${fileID.slice(0, 2)}/${fileID}`, message: 'no row names it' });
  }
}

function isManifestTrouble({ code }: AppError): boolean {
  return code === 'backupDamaged' || code === 'fileDamaged' || code === 'keyNotAvailable';
}

function checkRow(file: BackupFile, encrypted: boolean, blobs: BlobIndex, findings: Findings): void {
  if (file.kind !== 'file') return;
  const { domain, relativePath, fileID, size } = file;
  const where = { domain, relativePath, file: `${fileID.slice(0, 2)}/${fileID}` };
  const blob = blobs.take(fileID);
  if (!blob) return findings.damage({ kind: 'missing', ...where, message: 'its content is missing' });
  if (blob.size < 0) return findings.damage({ kind: 'missing', ...where, message: 'its content is no ordinary file' });
  const expected = encrypted && file.encryptionKey ? storedLength(size) : size;
  if (blob.size === expected || (size === 0 && encrypted && blob.size === 16)) return;
  if (encrypted && blob.size % 16 !== 0) {
    return findings.damage({ kind: 'wrongSize', ...where, message: `${blob.size} bytes, not whole blocks of 16` });
  }
  // Live databases are captured consistently and differ from the file that the device recorded, in both directions.
  const severity = isDatabase(relativePath) && blob.size > 0 ? 'note' : 'damage';
  findings.add({ kind: 'wrongSize', severity, ...where, message: `${blob.size} bytes; expected ${expected}` });
}

function isDatabase(relativePath: string): boolean {
  return /\.(db|sqlite|sqlite3|sqlitedb|storedata|db3|sqlite-wal|db-wal|sqlite-shm|db-shm|store)$/i.test(relativePath);
}

function checkLengthsAlone(blobs: BlobIndex, findings: Findings): void {
  for (const fileID of blobs.untaken()) {
    const blob = blobs.take(fileID);
    const file = `${fileID.slice(0, 2)}/${fileID}`;
    if (!blob || blob.size < 0) findings.damage({ kind: 'missing', file, message: 'no ordinary file' });
    else if (blob.size % 16 !== 0) {
      findings.damage({ kind: 'wrongSize', file, message: `${blob.size} bytes, not whole blocks of 16` });
    }
  }
}

class Findings {
  readonly list: VerifyFinding[] = [];
  damages = 0;

  add(finding: VerifyFinding): void {
    if (finding.severity === 'damage') this.damages++;
    if (this.list.length < MAX_FINDINGS) this.list.push(finding);
  }

  damage(finding: Omit<VerifyFinding, 'severity'>): void {
    this.add({ ...finding, severity: 'damage' });
  }

  note(finding: Omit<VerifyFinding, 'severity'>): void {
    this.add({ ...finding, severity: 'note' });
  }

  /** Waits for a plist; a missing or unreadable one becomes a finding. */
  async plistProblem<T>(
    file: string,
    reading: Promise<T | undefined>,
    severity: VerifyFinding['severity'],
  ): Promise<T | undefined> {
    try {
      const value = await reading;
      if (value === undefined) this.add({ kind: 'plist', severity, file, message: 'it is missing' });
      return value;
    } catch (error) {
      if (!isAppError(error, 'backupDamaged')) throw error;
      this.add({ kind: 'plist', severity, file, message: error.message });
      return undefined;
    }
  }
}
