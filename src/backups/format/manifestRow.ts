import { isPlistError } from '../../plist';
import { decodeFilesRow } from './fileRecord';
import { isFileID } from './fileID';
import type { ManifestContentEntry, ManifestEntry } from './manifest';
import { type Row, sqlText } from './readOnlyDatabase';

/** Rows with only the device's own marks have no domain, path or record: they are no entries. */
export function toEntry([fileID, domain, relativePath, flags, file]: Row): ManifestEntry | undefined {
  if (domain === null && relativePath === null && file === null) return undefined;
  const names = { fileID: sqlText(fileID), domain: sqlText(domain), relativePath: sqlText(relativePath) };
  if (typeof fileID !== 'string' || !isFileID(fileID))
    return { ok: false, ...names, reason: 'its ID is not 40 hex digits' };
  if (typeof domain !== 'string' || typeof relativePath !== 'string')
    return { ok: false, ...names, reason: 'it has no name' };
  if (!(file instanceof Uint8Array)) return { ok: false, ...names, reason: 'it has no record' };
  try {
    return { ok: true, file: decodeFilesRow({ ...names, flags: Number(flags), file }) };
  } catch (error) {
    if (isPlistError(error)) return { ok: false, ...names, reason: `its record cannot be read: ${error.reason}` };
    throw error;
  }
}

export function contentOf(entry: ManifestEntry): ManifestContentEntry {
  if (!entry.ok) return entry;
  const { fileID, kind, size, encryptionKey, domain, relativePath } = entry.file;
  return { ok: true, fileID, kind, size, hasKey: encryptionKey !== undefined, names: () => ({ domain, relativePath }) };
}
