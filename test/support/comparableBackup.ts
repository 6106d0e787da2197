import fs from 'node:fs/promises';
import path from 'node:path';
import { isDict, parsePlist, toPlain, type PlainValue, type PlistDict } from '../../src/plist';
import { decryptManifestDatabase, parseManifestPlist } from '../virtualDevice/mobilebackup2/backupPlists';
import { openKeybag } from '../virtualDevice/mobilebackup2/keybag';
import { readManifestRows } from '../virtualDevice/mobilebackup2/manifestDatabase';
import { readTree } from './backupFolders';

/** A backup without what differs between two that were made one after the other: these are equal if made alike. */
export interface ComparableBackup {
  /** Path → size and hash of every file but the four below, and the folders. */
  readonly tree: Readonly<Record<string, string>>;
  /** Hash of Manifest.db where nothing in it changes from backup to backup: in plain ones. */
  readonly database: string | undefined;
  /** fileID → domain, path, flags and record (hex). */
  readonly rows: ReadonlyMap<string, string>;
  readonly manifest: PlainValue;
  readonly status: PlainValue;
  readonly info: ReadonlyMap<string, PlainValue>;
  /** What is left out: told, so that a test sees that it is there. */
  readonly changing: readonly string[];
}

/** Dates, the names of this one backup, and the key of the manifest, which the device makes anew for each. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  'Manifest.plist': ['Date', 'ManifestKey'],
  'Status.plist': ['Date', 'UUID'],
  'Info.plist': ['GUID', 'Last Backup Date'],
};

/** @param password Needed for an encrypted backup. */
export async function comparableBackup(folder: string, password?: string): Promise<ComparableBackup> {
  const tree = readTree(folder);
  const changing: string[] = [];
  const plist = async (name: string): Promise<PlistDict> => {
    const value = parsePlist(await fs.readFile(path.join(folder, name)));
    if (!isDict(value)) throw new Error(`${name} is no dictionary`);
    const rest = new Map(value);
    for (const key of CHANGING[name] ?? []) if (rest.delete(key)) changing.push(`${name}: ${key}`);
    delete tree[name];
    return rest;
  };
  const header = parseManifestPlist(await fs.readFile(path.join(folder, 'Manifest.plist')));
  const classKeys = await openKeybag(header.keybag, password ?? '');
  if (!classKeys) throw new Error('the password does not open the backup');
  const stored = await fs.readFile(path.join(folder, 'Manifest.db'));
  const rows = new Map<string, string>();
  for (const row of readManifestRows(decryptManifestDatabase(stored, header, classKeys))) {
    rows.set(row.fileId, `${row.domain}-${row.relativePath} ${row.flags} ${Buffer.from(row.file).toString('hex')}`);
  }
  const database = header.encrypted ? undefined : tree['Manifest.db'];
  delete tree['Manifest.db'];
  const info = await plist('Info.plist');
  return {
    database,
    rows,
    manifest: toPlain(await plist('Manifest.plist')),
    status: toPlain(await plist('Status.plist')),
    info: new Map([...info].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, toPlain(value)])),
    changing,
    tree,
  };
}
