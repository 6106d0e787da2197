import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../base/errors';
import { isPlistError } from '../../plist';
import { type BackupFile, kindOfFlags } from './backupFile';
import { type ByteSource, DecryptedSource, FileSource } from './byteSource';
import { decodeFilesRow } from './fileRecord';
import { isFileID } from './fileID';
import type { UnlockedKeybag } from './keybag';
import { parseManifestMbdb } from './manifestMbdb';
import type { ManifestPlist } from './manifestPlist';
import { ReadOnlyDatabase, type Row } from './readOnlyDatabase';

const SQLITE_MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const COLUMNS = 'fileID, domain, relativePath, flags, file';

/** One row: what it says, or why it cannot be used. One bad row costs only itself. */
export type ManifestEntry =
  | { readonly ok: true; readonly file: BackupFile }
  | {
      readonly ok: false;
      readonly fileID: string;
      readonly domain: string;
      readonly relativePath: string;
      readonly reason: string;
    };

export interface ManifestName {
  readonly fileID: string;
  readonly relativePath: string;
  readonly kind: BackupFile['kind'];
}

/** The index of a backup, open for reading. */
export interface Manifest {
  /** `flat`: contents lie beside the index (before iOS 10); `sharded`: in folders named by their first two digits. */
  readonly layout: 'flat' | 'sharded';
  /** What was lost of the index itself; undefined when all of it can be read. */
  readonly damage?: string;
  /** Every entry, in no particular order, read as it is asked for. @throws AppError `backupDamaged` */
  entries(): Generator<ManifestEntry>;
  entriesOfDomain(domain: string): Generator<ManifestEntry>;
  /** Names alone, without their records: quick. The kind is what the row's flags say. */
  namesOfDomain(domain: string): Generator<ManifestName>;
  /** Names whose domain and path contain every word. */
  matchNames(words: readonly string[]): Generator<ManifestName & { readonly domain: string }>;
  /** Domains with the number of their files, directories not counted. */
  domains(): readonly { readonly domain: string; readonly files: number }[];
  find(fileID: string): ManifestEntry | undefined;
  close(): void;
}

/**
 * Opens whatever index the backup has; nothing is written, and an encrypted one is decrypted in memory, block by block.
 * @param keybag Needed if the index is encrypted.
 * @throws AppError `passwordNeeded`, `backupDamaged`, `notABackup`
 */
export async function openManifest(folder: string, plist: ManifestPlist, keybag?: UnlockedKeybag): Promise<Manifest> {
  const database = path.join(folder, 'Manifest.db');
  if (fs.existsSync(database)) return openDatabase(database, plist, keybag);
  const mbdb = path.join(folder, 'Manifest.mbdb');
  if (fs.existsSync(mbdb)) return openMbdb(await readFile(mbdb));
  throw new AppError('backupDamaged', 'there is no Manifest.db', { details: { file: 'Manifest.db' } });
}

async function openDatabase(file: string, plist: ManifestPlist, keybag?: UnlockedKeybag): Promise<Manifest> {
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
    return new DatabaseManifest(db);
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

class DatabaseManifest implements Manifest {
  readonly layout = 'sharded';
  readonly #db: ReadOnlyDatabase;

  constructor(db: ReadOnlyDatabase) {
    this.#db = db;
    const columns = new Set([...db.rows('SELECT name FROM pragma_table_info(?)', ['Files'])].map(([name]) => name));
    for (const name of COLUMNS.split(', ')) {
      if (!columns.has(name)) throw new AppError('backupDamaged', `Manifest.db has no column Files.${name}`);
    }
  }

  *entries(): Generator<ManifestEntry> {
    for (const row of this.#db.rows(`SELECT ${COLUMNS} FROM Files`)) {
      const entry = toEntry(row);
      if (entry) yield entry;
    }
  }

  *entriesOfDomain(domain: string): Generator<ManifestEntry> {
    for (const row of this.#db.rows(`SELECT ${COLUMNS} FROM Files WHERE domain = ?`, [domain])) {
      const entry = toEntry(row);
      if (entry) yield entry;
    }
  }

  *namesOfDomain(domain: string): Generator<ManifestName> {
    const sql = 'SELECT fileID, relativePath, flags FROM Files WHERE domain = ?';
    for (const [fileID, relativePath, flags] of this.#db.rows(sql, [domain])) {
      const kind = kindOfFlags(Number(flags));
      if (typeof fileID !== 'string' || typeof relativePath !== 'string' || !kind || !isFileID(fileID)) continue;
      yield { fileID, relativePath, kind };
    }
  }

  *matchNames(words: readonly string[]): Generator<ManifestName & { readonly domain: string }> {
    const like = words.map(() => "domain || '/' || relativePath LIKE ? ESCAPE '\\'").join(' AND ');
    const sql = `SELECT fileID, domain, relativePath, flags FROM Files WHERE ${like}`;
    const patterns = words.map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`);
    for (const [fileID, domain, relativePath, flags] of this.#db.rows(sql, patterns)) {
      const kind = kindOfFlags(Number(flags));
      if (typeof fileID !== 'string' || typeof domain !== 'string' || typeof relativePath !== 'string') continue;
      if (kind && isFileID(fileID)) yield { fileID, domain, relativePath, kind };
    }
  }

  domains(): readonly { readonly domain: string; readonly files: number }[] {
    const rows = this.#db.rows('SELECT domain, sum(flags & 1) FROM Files WHERE domain IS NOT NULL GROUP BY domain');
    return [...rows].map(([domain, files]) => ({ domain: String(domain), files: Number(files) }));
  }

  find(fileID: string): ManifestEntry | undefined {
    const row = this.#db.first(`SELECT ${COLUMNS} FROM Files WHERE fileID = ?`, [fileID]);
    return row && toEntry(row);
  }

  close(): void {
    this.#db.close();
  }
}

/** Rows with only the device's own marks have no domain, path or record: they are no entries. */
function toEntry([fileID, domain, relativePath, flags, file]: Row): ManifestEntry | undefined {
  if (domain === null && relativePath === null && file === null) return undefined;
  const names = { fileID: String(fileID), domain: String(domain ?? ''), relativePath: String(relativePath ?? '') };
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

function openMbdb(bytes: Buffer): Manifest {
  const { files, damagedAt } = parseManifestMbdb(bytes);
  const entries = files.map((file): ManifestEntry => ({ ok: true, file }));
  const byDomain = groupByDomain(files);
  return {
    layout: 'flat',
    ...(damagedAt === undefined ? {} : { damage: `Manifest.mbdb cannot be read from byte ${damagedAt} on` }),
    *entries() {
      yield* entries;
    },
    *entriesOfDomain(domain) {
      for (const file of byDomain.get(domain) ?? []) yield { ok: true, file };
    },
    *namesOfDomain(domain) {
      yield* byDomain.get(domain) ?? [];
    },
    *matchNames(words) {
      const wanted = words.map((word) => word.toLowerCase());
      for (const file of files) {
        const name = `${file.domain}/${file.relativePath}`.toLowerCase();
        if (wanted.every((word) => name.includes(word))) yield file;
      }
    },
    domains: () =>
      [...byDomain].map(([domain, all]) => ({ domain, files: all.filter(({ kind }) => kind === 'file').length })),
    find: (fileID) => entries.find((entry) => entry.ok && entry.file.fileID === fileID),
    close() {},
  };
}

function groupByDomain(files: readonly BackupFile[]): Map<string, BackupFile[]> {
  const groups = new Map<string, BackupFile[]>();
  for (const file of files) {
    const group = groups.get(file.domain);
    if (group) group.push(file);
    else groups.set(file.domain, [file]);
  }
  return groups;
}
