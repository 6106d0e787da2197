import path from 'node:path';
import { isMissing } from '../store/diskErrors';
import type { FileStat, FileSystem } from '../store/fileSystem';
import { parseVersionName } from '../store/layout';
import { readSmallFile } from '../store/smallFiles';
import type { BackupSummary } from '../types';
import { infoFields } from './infoFields';
import { plistFields, type PlistField, type PlistFields } from './plistFields';

const MAX_PLIST_BYTES = 64 * 1024 * 1024;
/** Both of Apple's forms; people and tests may use others, which count when the plists confirm them. */
const APPLE_UDID = /^(?:[0-9a-f]{40}|[0-9A-F]{8}-[0-9A-F]{16})$/i;

/** What a summary was made from: as long as none of these changes, it stays true. */
export interface BackupFiles {
  readonly status?: FileStat;
  readonly manifest?: FileStat;
  readonly info?: FileStat;
  readonly database?: FileStat;
}

/** Looks only. Undefined if the folder does not look like a backup. */
export async function findBackupFiles(fileSystem: FileSystem, backup: string): Promise<BackupFiles | undefined> {
  const stat = async (name: string) => {
    try {
      const found = await fileSystem.stat(path.join(backup, name));
      return found.type === 'file' ? found : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const manifest = await stat('Manifest.plist');
  const status = await stat('Status.plist');
  const info = await stat('Info.plist');
  const name = path.basename(backup);
  // Other programs have files of these names too: without a Manifest.plist the folder's name must say what it is.
  if (!manifest && !((status ?? info) && (APPLE_UDID.test(name) || parseVersionName(name)))) return undefined;
  const database = (await stat('Manifest.db')) ?? (await stat('Manifest.mbdb'));
  return {
    ...(status && { status }),
    ...(manifest && { manifest }),
    ...(info && { info }),
    ...(database && { database }),
  };
}

/**
 * One backup as its plists tell; everything that can be shown is shown, whatever is damaged.
 * @param root The folder it was found in
 */
export async function readBackup(
  fileSystem: FileSystem,
  backup: string,
  root: string,
  files: BackupFiles,
): Promise<BackupSummary> {
  const status = files.status && (await fieldsOf(fileSystem, path.join(backup, 'Status.plist'), plistFields));
  const manifest = files.manifest && (await fieldsOf(fileSystem, path.join(backup, 'Manifest.plist'), plistFields));
  const name = path.basename(backup);
  const version = parseVersionName(name);
  const about = { ...fromManifest(manifest) };
  // Only what the Manifest does not tell is worth opening a file of up to 10 MB.
  const info =
    files.info && (about.udid === undefined || about.deviceName === undefined || about.productVersion === undefined)
      ? await fieldsOf(fileSystem, path.join(backup, 'Info.plist'), infoFields)
      : undefined;
  const fromInfo = info ? fromInfoPlist(info) : {};
  const udid = about.udid ?? fromInfo.udid ?? version?.udid ?? (APPLE_UDID.test(name) ? name : undefined);
  const date = dateOf(manifest?.('Date')) ?? dateOf(status?.('Date')) ?? fromInfo.date;
  const full = status?.('IsFullBackup');
  const supervised = manifest?.('Lockdown', 'com.apple.mobile.chaperone', 'DeviceIsChaperoned');
  return {
    path: backup,
    root,
    role: version ? 'version' : APPLE_UDID.test(name) || name === udid ? 'current' : 'other',
    ...defined({ ...fromInfo, ...defined(about), udid, date }),
    encrypted: manifest?.('IsEncrypted') === true,
    state: stateOf(files, status, manifest),
    ...(typeof supervised === 'boolean' && { supervised }),
    ...(typeof full === 'boolean' && { full }),
  };
}

function stateOf(
  files: BackupFiles,
  status: PlistFields | undefined,
  manifest: PlistFields | undefined,
): BackupSummary['state'] {
  const finished = status?.('SnapshotState') === 'finished';
  // Without a Status.plist nothing says that the device had come to its end.
  if (files.status === undefined || (status && !finished)) return 'unfinished';
  if (!status || !manifest || !files.database || files.database.sizeBytes === 0) return 'damaged';
  return 'finished';
}

interface About {
  readonly udid?: string | undefined;
  readonly deviceName?: string | undefined;
  readonly productType?: string | undefined;
  readonly productVersion?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly date?: string | undefined;
}

function fromManifest(manifest: PlistFields | undefined): About {
  if (!manifest) return {};
  return {
    udid: text(manifest('Lockdown', 'UniqueDeviceID')),
    deviceName: text(manifest('Lockdown', 'DeviceName')),
    productType: text(manifest('Lockdown', 'ProductType')),
    productVersion: text(manifest('Lockdown', 'ProductVersion')),
    serialNumber: text(manifest('Lockdown', 'SerialNumber')),
  };
}

function fromInfoPlist(info: PlistFields): About {
  return {
    udid: text(info('Target Identifier')) ?? text(info('Unique Identifier')),
    deviceName: text(info('Device Name')) ?? text(info('Display Name')),
    productType: text(info('Product Type')),
    productVersion: text(info('Product Version')),
    serialNumber: text(info('Serial Number')),
    date: dateOf(info('Last Backup Date')),
  };
}

/** Undefined for a file that is no such property list, or that cannot be read any more. */
async function fieldsOf(
  fileSystem: FileSystem,
  file: string,
  read: (bytes: Buffer) => PlistFields,
): Promise<PlistFields | undefined> {
  try {
    const bytes = await readSmallFile(fileSystem, file, MAX_PLIST_BYTES);
    const fields = bytes && read(bytes);
    return fields && ((...keys) => quietly(() => fields(...keys)));
  } catch {
    return undefined;
  }
}

function quietly(read: () => PlistField): PlistField {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function text(value: PlistField): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function dateOf(value: PlistField): string | undefined {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined;
}

function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
