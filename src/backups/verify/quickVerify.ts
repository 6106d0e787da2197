import fs from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { type AppError, isAppError } from '../../base/errors';
import { getOptionalString } from '../../plist';
import type { VerifyFinding } from '../types';
import { storedLength } from '../format/fileCipher';
import type { UnlockedKeybag } from '../format/keybag';
import type { ManifestContent } from '../format/manifest';
import { openManifest } from '../format/openManifest';
import { type ManifestPlist, readManifestPlist, readPlistFile } from '../format/manifestPlist';
import { isFileID } from '../format/fileID';
import { type BackupTree, folderTree } from '../store/backupTree';
import { diskFailure } from '../store/diskErrors';
import { nodeFileSystem } from '../store/nodeFileSystem';
import type { SidecarEntry } from '../store/sidecar';
import { BlobIndex } from './blobIndex';
import { Findings } from './findings';

/** Rows between two turns of the event loop. */
const CHUNK = 500;
/** Files that differ from the list of when the backup was made, remembered until their rows tell what they were. */
const MAX_CHANGED = 100_000;

export interface QuickVerifyOptions {
  /** Opens an encrypted Manifest; without it only what needs no key is checked. */
  readonly keybag?: UnlockedKeybag;
  readonly signal?: AbortSignal;
  /** Where the contents are, if not all of them lie in the folder of the plists and the Manifest. */
  readonly tree?: BackupTree;
  /** Rows done, and how many contents there are. */
  readonly onProgress?: (done: number, total: number) => void;
  /** What was there when the backup was made: finds what is missing or cut without the password. */
  readonly received?: AsyncIterable<readonly SidecarEntry[]>;
  /** File IDs of contents that may be missing or have another length, as the device could not read them: only noted. */
  readonly excused?: ReadonlySet<string>;
  /** A folder with second copies of the plists and the Manifest, for names where the backup's own cannot be read. */
  readonly secondCopies?: string;
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
 * @throws AppError `notABackup`, `cancelled`, `noPermission`, `folderOffline`, `diskError`
 */
export async function quickVerify(folder: string, options: QuickVerifyOptions = {}): Promise<QuickVerifyResult> {
  try {
    return await check(folder, options);
  } catch (error) {
    throw diskFailure(error, { doing: 'check', path: folder });
  }
}

async function check(folder: string, options: QuickVerifyOptions): Promise<QuickVerifyResult> {
  const findings = new Findings();
  const notChecked: string[] = [];
  const plist = await manifestPlistOf(folder, options.secondCopies, findings);
  await checkStatus(folder, findings);
  await findings.plistProblem(
    'Info.plist',
    readPlistFile(path.join(folder, 'Info.plist')),
    options.received ? 'damage' : 'note',
  );
  const blobs = await BlobIndex.scan(options.tree ?? folderTree(nodeFileSystem(), folder), options.signal);
  for (const [name, code] of blobs.unlisted) {
    findings.damage({ kind: 'unreadable', file: name, message: `the folder cannot be listed (${code})` });
  }
  for (const name of blobs.strangers) findings.note({ kind: 'stray', file: name, message: 'belongs to no backup' });
  const changed = options.received ? await findChanged(folder, options.received, blobs, findings, options) : noChanges;
  const result = () => ({
    files: blobs.count,
    bytes: blobs.bytes,
    findings: findings.list,
    damages: findings.damages,
    notChecked,
  });
  if (plist?.encrypted && plist.manifestKey && !options.keybag) {
    notChecked.push('the list of files: the backup is encrypted and no password was given');
    checkLengthsAlone(blobs, changed, findings, options.excused);
  } else if (plist || (await isPlainDatabase(folder))) {
    await checkRows(folder, plist ?? { encrypted: false }, blobs, changed, findings, options);
  }
  // Those that no row has named.
  for (const [file, { kind, message }] of changed) {
    const isList = !file.includes('/');
    if (!isList || !findings.hasDamageOf(file)) findings.damage({ kind, file, message });
  }
  return result();
}

/** By place: how a content differs from what was received. */
type Changes = Map<string, { readonly kind: 'missing' | 'wrongSize'; readonly message: string }>;
const noChanges: Changes = new Map();

async function findChanged(
  folder: string,
  received: AsyncIterable<readonly SidecarEntry[]>,
  blobs: BlobIndex,
  findings: Findings,
  { signal }: QuickVerifyOptions,
): Promise<Changes> {
  const changed: Changes = new Map();
  const differs = (file: string, expected: number, found: number | undefined) => {
    if (found === expected) return false;
    // In a folder that cannot be listed: that has been told once.
    if (found === undefined && blobs.unlisted.has(file.slice(0, 2))) return true;
    const kind = found === undefined || found < 0 ? 'missing' : 'wrongSize';
    const message =
      kind === 'missing' ? 'it is missing' : `${found} bytes; it had ${expected} when the backup was made`;
    if (changed.size < MAX_CHANGED) changed.set(file, { kind, message });
    else findings.damage({ kind, file, message });
    return true;
  };
  for await (const entries of received) {
    throwIfAborted(signal);
    for (const { file, size } of entries) {
      const name = path.posix.basename(file);
      if (name === '.DS_Store') continue;
      if (isFileID(name)) {
        if (!differs(file, size, blobs.find(name)?.size)) blobs.markAsReceived(name);
      } else {
        const stat = fs.lstatSync(path.join(folder, file), { throwIfNoEntry: false });
        const found = stat && (stat.isFile() ? stat.size : -1);
        // The plists and the Manifest have told their own story if they cannot be read.
        if (findings.hasDamageOf(file)) continue;
        differs(file, size, found);
      }
    }
    await new Promise(setImmediate);
  }
  return changed;
}

async function manifestPlistOf(
  folder: string,
  secondCopies: string | undefined,
  findings: Findings,
): Promise<ManifestPlist | undefined> {
  try {
    const plist = await readManifestPlist(folder);
    if (plist.version !== undefined || plist.keybag || plist.lockdown) return plist;
    findings.damage({ kind: 'plist', file: 'Manifest.plist', message: 'it is another property list' });
  } catch (error) {
    const gone = isAppError(error, 'notABackup') && looksLikeBackup(folder);
    if (!gone && !isAppError(error, 'backupDamaged')) throw error;
    findings.damage({ kind: 'plist', file: 'Manifest.plist', message: gone ? 'it is missing' : error.message });
  }
  return secondCopies === undefined ? undefined : readManifestPlist(secondCopies).catch(() => undefined);
}

/** One that has lost its Manifest.plist. */
function looksLikeBackup(folder: string): boolean {
  const has = (name: string) => fs.lstatSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile();
  return Boolean(has('Status.plist') && (has('Manifest.db') || has('Manifest.mbdb') || has('Info.plist')));
}

async function isPlainDatabase(folder: string): Promise<boolean> {
  try {
    await using handle = await open(path.join(folder, 'Manifest.db'), 'r');
    const { buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.toString('latin1') === 'SQLite format 3\0';
  } catch {
    return false;
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
  changed: Changes,
  findings: Findings,
  { keybag, signal, onProgress, secondCopies, excused }: QuickVerifyOptions,
): Promise<void> {
  let done = 0;
  try {
    const manifest = await openManifest(folder, plist, keybag).catch((error: unknown) => {
      if (secondCopies === undefined || !isAppError(error) || !isManifestTrouble(error)) throw error;
      findings.damage({ kind: 'manifest', file: 'Manifest.db', message: error.message });
      changed.delete('Manifest.db');
      return openManifest(secondCopies, plist, keybag);
    });
    try {
      if (manifest.damage) findings.damage({ kind: 'manifest', message: manifest.damage });
      for (const entry of manifest.contents()) {
        if (entry.ok) checkRow(entry, plist.encrypted, blobs, changed, findings, excused);
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
    if (!findings.list.some(({ kind }) => kind === 'manifest')) {
      findings.damage({ kind: 'manifest', file: 'Manifest.db', message: error.message });
      changed.delete('Manifest.db');
    }
    return;
  }
  for (const fileID of blobs.untaken()) {
    findings.note({ kind: 'stray', file: `${fileID.slice(0, 2)}/${fileID}`, message: 'no row names it' });
  }
}

function isManifestTrouble({ code }: AppError): boolean {
  return code === 'backupDamaged' || code === 'fileDamaged' || code === 'keyNotAvailable';
}

function checkRow(
  file: ManifestContent,
  encrypted: boolean,
  blobs: BlobIndex,
  changed: Changes,
  findings: Findings,
  excused?: ReadonlySet<string>,
): void {
  if (file.kind !== 'file') return;
  const { fileID, size, hasKey } = file;
  const blob = blobs.take(fileID);
  const expected = encrypted && hasKey ? storedLength(size) : size;
  if (blob?.size === expected && changed.size === 0) return;
  const { domain, relativePath } = file.names();
  const place = blob?.place === 'flat' || changed.has(fileID) ? fileID : `${fileID.slice(0, 2)}/${fileID}`;
  const where = { domain, relativePath, file: place };
  const change = changed.get(place);
  changed.delete(place);
  if (excused?.has(fileID)) {
    return findings.note({ kind: blob ? 'wrongSize' : 'missing', ...where, message: 'the device could not read it' });
  }
  if (!blob) {
    if (!blobs.unlisted.has(fileID.slice(0, 2)))
      return findings.damage({ kind: 'missing', ...where, message: 'its content is missing' });
    return findings.damage({ kind: 'unreadable', ...where, message: 'its folder cannot be listed' });
  }
  if (blob.size < 0) return findings.damage({ kind: 'missing', ...where, message: 'its content is no ordinary file' });
  if (change) return findings.damage({ kind: change.kind, ...where, message: change.message });
  if (blob.size === expected || (size === 0 && encrypted && blob.size === 16)) return;
  if (encrypted && blob.size % 16 !== 0 && !blob.asReceived) {
    return findings.damage({ kind: 'wrongSize', ...where, message: `${blob.size} bytes, not whole blocks of 16` });
  }
  // Live databases are captured consistently and differ from the file that the device recorded, in both directions.
  const harmless = blob.asReceived || (isDatabase(relativePath) && blob.size > 0);
  const message = `${blob.size} bytes; expected ${expected}${blob.asReceived ? ', and so it was received' : ''}`;
  findings.add({ kind: 'wrongSize', severity: harmless ? 'note' : 'damage', ...where, message });
}

function isDatabase(relativePath: string): boolean {
  return /\.(db|sqlite|sqlite3|sqlitedb|storedata|db3|sqlite-wal|db-wal|sqlite-shm|db-shm|store)$/i.test(relativePath);
}

function checkLengthsAlone(
  blobs: BlobIndex,
  changed: Changes,
  findings: Findings,
  excused?: ReadonlySet<string>,
): void {
  for (const fileID of blobs.untaken()) {
    const blob = blobs.take(fileID);
    const file = blob?.place === 'flat' ? fileID : `${fileID.slice(0, 2)}/${fileID}`;
    if (changed.has(file) || blob?.asReceived || excused?.has(fileID)) continue;
    if (!blob || blob.size < 0) findings.damage({ kind: 'missing', file, message: 'no ordinary file' });
    else if (blob.size % 16 !== 0) {
      findings.damage({ kind: 'wrongSize', file, message: `${blob.size} bytes, not whole blocks of 16` });
    }
  }
}
