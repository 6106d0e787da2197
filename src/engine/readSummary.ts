import fs from 'node:fs/promises';
import path from 'node:path';
import type { BackupSummary } from '../backups';
import { asDict, getOptionalBool, getOptionalDate, getOptionalString, parsePlist, type PlistDict } from '../plist';

/** What the three plists of a finished backup say. */
export async function readSummary(folder: string, root: string): Promise<BackupSummary> {
  const [info, status, manifest] = await Promise.all(
    ['Info.plist', 'Status.plist', 'Manifest.plist'].map((name) => readPlist(path.join(folder, name))),
  );
  const text = (name: string) => getOptionalString(info ?? new Map(), name);
  const date = getOptionalDate(status ?? new Map(), 'Date') ?? getOptionalDate(manifest ?? new Map(), 'Date');
  const full = getOptionalBool(status ?? new Map(), 'IsFullBackup');
  const facts = {
    udid: text('Target Identifier') ?? path.basename(folder),
    deviceName: text('Device Name'),
    productType: text('Product Type'),
    productVersion: text('Product Version'),
    serialNumber: text('Serial Number'),
    date: date?.toISOString(),
    full,
  };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return {
    path: folder,
    root,
    role: 'current',
    encrypted: getOptionalBool(manifest ?? new Map(), 'IsEncrypted') ?? false,
    state: getOptionalString(status ?? new Map(), 'SnapshotState') === 'finished' ? 'finished' : 'unfinished',
    ...known,
  };
}

async function readPlist(file: string): Promise<PlistDict | undefined> {
  const bytes = await fs.readFile(file).catch(() => undefined);
  return bytes && asDict(parsePlist(bytes), path.basename(file));
}
