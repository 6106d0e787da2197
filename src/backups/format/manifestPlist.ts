import path from 'node:path';
import { AppError } from '../../base/errors';
import { diskFailure, isMissing } from '../store/diskErrors';
import { readOrdinaryFile } from './ordinaryFile';
import {
  asDict,
  getOptionalBool,
  getOptionalData,
  getOptionalDate,
  getOptionalDict,
  getOptionalString,
  parsePlist,
  type PlistDict,
} from '../../plist';

/** Far above the largest seen (9.5 MB for an Info.plist with 167 apps). */
const MAX_LENGTH = 64 << 20;

/** Manifest.plist: about the backup as a whole. Written by the device; never encrypted. */
export interface ManifestPlist {
  /** `10.0` since iOS 10. */
  readonly version?: string;
  readonly date?: Date;
  readonly encrypted: boolean;
  readonly passcodeSet?: boolean;
  readonly keybag?: Uint8Array;
  /** 4 bytes little-endian protection class, 40 bytes wrapped key: opens Manifest.db; encrypted backups since iOS 10.2. */
  readonly manifestKey?: Uint8Array;
  /** The device's lockdown values at the time. */
  readonly lockdown?: PlistDict;
  /** Every app container: id → dictionary. */
  readonly applications?: PlistDict;
}

/**
 * @param folder The backup's folder.
 * @throws AppError `notABackup` if there is no Manifest.plist, `backupDamaged` if it cannot be read, and as readPlistFile().
 */
export async function readManifestPlist(folder: string): Promise<ManifestPlist> {
  const root = await readPlistFile(path.join(folder, 'Manifest.plist'));
  if (!root) throw new AppError('notABackup', 'there is no Manifest.plist');
  try {
    return compact({
      version: getOptionalString(root, 'Version'),
      date: getOptionalDate(root, 'Date'),
      encrypted: getOptionalBool(root, 'IsEncrypted') ?? false,
      passcodeSet: getOptionalBool(root, 'WasPasscodeSet'),
      keybag: getOptionalData(root, 'BackupKeyBag'),
      manifestKey: getOptionalData(root, 'ManifestKey'),
      lockdown: getOptionalDict(root, 'Lockdown'),
      applications: getOptionalDict(root, 'Applications'),
    });
  } catch (error) {
    throw damaged('Manifest.plist', error);
  }
}

/**
 * A property list file whose root is a dictionary; undefined if there is none.
 * @throws AppError `backupDamaged`, `noPermission`, `folderOffline`, `diskError`
 */
export async function readPlistFile(file: string): Promise<PlistDict | undefined> {
  const name = path.basename(file);
  let bytes: Buffer;
  try {
    bytes = await readOrdinaryFile(file, MAX_LENGTH);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw diskFailure(error, { doing: `read ${name}`, path: path.dirname(file) });
  }
  try {
    return asDict(parsePlist(bytes), name);
  } catch (error) {
    throw damaged(name, error);
  }
}

function damaged(name: string, cause: unknown): AppError {
  return new AppError('backupDamaged', `${name} cannot be read: ${String(cause)}`, { cause, details: { file: name } });
}

/** Leaves out what is undefined, as exact optional properties want it. */
function compact(values: { readonly [K in keyof ManifestPlist]-?: ManifestPlist[K] | undefined }): ManifestPlist {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as unknown as ManifestPlist;
}
