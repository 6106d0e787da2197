import fs from 'node:fs';
import path from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import { diskFailure } from '../store/diskErrors';
import { type ByteSource, DecryptedSource, FileSource } from './byteSource';
import { DatabaseManifest } from './databaseManifest';
import type { UnlockedKeybag } from './keybag';
import type { Manifest } from './manifest';
import type { ManifestPlist } from './manifestPlist';
import { mbdbManifest } from './mbdbManifest';
import { readOrdinaryFile } from './ordinaryFile';
import { ReadOnlyDatabase } from './readOnlyDatabase';
import { recordKey, type RecordProperties } from './recordCipher';

/** Ten times the largest that is known of; the index of today is a database and read page by page. */
const MAX_MBDB_BYTES = 256 << 20;
const SQLITE_MAGIC = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Opens whatever index the backup has; nothing is written, and an encrypted one is decrypted in memory, block by block.
 * @param keybag Needed if the index is encrypted.
 * @param password Opens the records of iOS 10.0, whose key is then kept in the keybag.
 * @throws AppError `passwordNeeded`, `wrongPassword`, `backupDamaged`, `noPermission`, `folderOffline`, `diskError`
 */
export async function openManifest(
  folder: string,
  plist: ManifestPlist,
  keybag?: UnlockedKeybag,
  password?: string,
): Promise<Manifest> {
  const file = ['Manifest.db', 'Manifest.mbdb'].find((name) => isThere(path.join(folder, name)));
  if (file === undefined)
    throw new AppError('backupDamaged', 'there is no Manifest.db', { details: { file: 'Manifest.db' } });
  try {
    if (file === 'Manifest.db') return await openDatabase(path.join(folder, file), plist, keybag, password);
    return mbdbManifest(await readOrdinaryFile(path.join(folder, file), MAX_MBDB_BYTES));
  } catch (error) {
    throw diskFailure(error, { doing: `open ${file}`, path: folder });
  }
}

/** Also as a link, which leads somewhere else and is not followed. */
function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

async function openDatabase(
  file: string,
  plist: ManifestPlist,
  keybag?: UnlockedKeybag,
  password?: string,
): Promise<Manifest> {
  const stored = new FileSource(file);
  let source: ByteSource = stored;
  try {
    const head = Buffer.alloc(SQLITE_MAGIC.length);
    stored.read(head, 0);
    if (!head.equals(SQLITE_MAGIC)) source = decrypted(stored, plist, keybag);
    if (source !== stored) {
      source.read(head, 0);
      if (!head.equals(SQLITE_MAGIC)) throw new AppError('backupDamaged', 'Manifest.db does not decrypt to a database');
    }
  } catch (error) {
    source.close();
    throw error;
  }
  const db = await ReadOnlyDatabase.open(source);
  try {
    requireTable(db, 'Files');
    const properties = readRecordProperties(db);
    if (properties && keybag && password !== undefined) keybag.recordKey = recordKey(password, properties);
    return new DatabaseManifest(db, properties && (() => keybag?.recordKey));
  } catch (error) {
    db.close();
    throw error;
  }
}

function decrypted(stored: ByteSource, plist: ManifestPlist, keybag?: UnlockedKeybag): ByteSource {
  if (!plist.manifestKey) {
    throw new AppError('backupDamaged', `Manifest.db of ${stored.size} bytes is no database`, {
      details: { file: 'Manifest.db' },
    });
  }
  if (!keybag) throw new AppError('passwordNeeded', 'Manifest.db is encrypted');
  return new DecryptedSource(stored, keybag.unwrap(plist.manifestKey));
}

/** A view, or a table that some module makes up, can give rows for ever. @throws AppError `backupDamaged` */
function requireTable(db: ReadOnlyDatabase, name: string): void {
  const found = db.first("SELECT 1 FROM sqlite_schema WHERE name = ? AND type = 'table' AND rootpage > 0", [name]);
  if (!found)
    throw new AppError('backupDamaged', `Manifest.db has no table ${name}`, { details: { file: 'Manifest.db' } });
}

/** Only iOS 10.0 wrote them; undefined otherwise. */
function readRecordProperties(db: ReadOnlyDatabase): RecordProperties | undefined {
  try {
    requireTable(db, 'Properties');
    const read = (key: string) => db.first('SELECT value FROM Properties WHERE key = ?', [key])?.[0];
    const [salt, passwordHash] = [read('salt'), read('passwordHash')];
    return salt instanceof Uint8Array && passwordHash instanceof Uint8Array ? { salt, passwordHash } : undefined;
  } catch (error) {
    // Without that table there are none.
    if (isAppError(error, 'backupDamaged')) return undefined;
    throw error;
  }
}
