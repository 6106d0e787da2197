import {
  asDict,
  decodeBinaryPlist,
  getArray,
  numberOf,
  PlistError,
  type PlistArray,
  type PlistDict,
  PlistUid,
  type PlistValue,
} from '../../plist';
import { type BackupFile, kindOfFlags, kindOfMode } from './backupFile';

/** A row of Manifest.db's table `Files`, as SQLite gives it. */
export interface FilesRow {
  readonly fileID: string;
  readonly domain: string;
  readonly relativePath: string;
  readonly flags: number;
  /** The record: a keyed archive of class MBFile, as a binary property list. */
  readonly file: Uint8Array;
}

/**
 * Decodes a row. The record may lack any key (they have been seen missing); where its mode and the row's flags disagree
 * the mode is believed.
 * @throws PlistError if the record is no keyed archive.
 */
export function decodeFilesRow({ fileID, domain, relativePath, flags, file }: FilesRow): BackupFile {
  const archive = asDict(decodeBinaryPlist(file), 'file record');
  const objects = getArray(archive, '$objects');
  const record = rootOf(archive, objects);
  const mode = integer(record, 'Mode');
  const kind = kindOfMode(mode) ?? kindOfFlags(flags) ?? 'file';
  const inode = record.get('InodeNumber');
  const encryptionKey = dataAt(objects, record.get('EncryptionKey'));
  const digest = dataAt(objects, record.get('Digest'));
  const linkTarget = kind === 'link' ? textAt(objects, record.get('Target')) : undefined;
  return {
    fileID,
    domain,
    relativePath,
    kind,
    size: kind === 'file' ? Math.max(0, integer(record, 'Size')) : 0,
    mode,
    modified: integer(record, 'LastModified'),
    changed: integer(record, 'LastStatusChange'),
    born: integer(record, 'Birth'),
    userID: integer(record, 'UserID'),
    groupID: integer(record, 'GroupID'),
    inode: typeof inode === 'bigint' ? inode : BigInt(integer(record, 'InodeNumber')),
    protectionClass: integer(record, 'ProtectionClass'),
    flags: integer(record, 'Flags'),
    ...(encryptionKey ? { encryptionKey } : {}),
    ...(digest ? { digest } : {}),
    ...(linkTarget === undefined ? {} : { linkTarget }),
  };
}

function rootOf(archive: PlistDict, objects: PlistArray): PlistDict {
  const root = asDict(archive.get('$top'), '$top').get('root');
  return asDict(follow(objects, root), 'root object');
}

function follow(objects: PlistArray, value: PlistValue | undefined): PlistValue | undefined {
  if (!(value instanceof PlistUid)) return value;
  if (value.value >= objects.length) throw new PlistError(`reference to object ${value.value} of ${objects.length}`);
  // Object 0 is the archive's nil.
  return value.value === 0 ? undefined : objects[value.value];
}

/** Data stands bare or wrapped as `{NS.data}`. */
function dataAt(objects: PlistArray, value: PlistValue | undefined): Buffer | undefined {
  let found = follow(objects, value);
  if (found instanceof Map) found = follow(objects, (found as PlistDict).get('NS.data'));
  return found instanceof Uint8Array ? Buffer.from(found.buffer, found.byteOffset, found.length) : undefined;
}

/** Text stands bare or wrapped as `{NS.string}`. */
function textAt(objects: PlistArray, value: PlistValue | undefined): string | undefined {
  let found = follow(objects, value);
  if (found instanceof Map) found = follow(objects, (found as PlistDict).get('NS.string'));
  return typeof found === 'string' ? found : undefined;
}

function integer(record: PlistDict, key: string): number {
  const value = record.get(key);
  return value === undefined ? 0 : (numberOf(value) ?? 0);
}
