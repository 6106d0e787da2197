import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import { isPlistError } from '../../plist';
import { type BackupFile, kindOfFlags, kindOfMode } from './backupFile';
import { type ByteSource, DecryptedSource, FileSource } from './byteSource';
import { decodeFilesRow } from './fileRecord';
import { isFileID } from './fileID';
import type { UnlockedKeybag } from './keybag';
import { parseManifestMbdb } from './manifestMbdb';
import type { ManifestPlist } from './manifestPlist';
import { ReadOnlyDatabase, type Row, sqlText } from './readOnlyDatabase';
import { decryptRecord, recordKey, type RecordProperties } from './recordCipher';
import { readRecordFacts } from './recordFacts';

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

/** What a row says about its content: enough to tell whether that is there, and whole. */
export interface ManifestContent {
  readonly fileID: string;
  readonly kind: BackupFile['kind'];
  /** Bytes as the device saw the file; 0 for what is no file. */
  readonly size: number;
  /** It has an encryption key of its own. */
  readonly hasKey: boolean;
  /** Domain and path; good until the next row is asked for. */
  readonly names: () => { readonly domain: string; readonly relativePath: string };
}

export type ManifestContentEntry =
  (ManifestContent & { readonly ok: true }) | Extract<ManifestEntry, { readonly ok: false }>;

/** The index of a backup, open for reading. */
export interface Manifest {
  /** `flat`: contents lie beside the index (before iOS 10); `sharded`: in folders named by their first two digits. */
  readonly layout: 'flat' | 'sharded';
  /** What was lost of the index itself; undefined when all of it can be read. */
  readonly damage?: string;
  /** Every entry, in no particular order, read as it is asked for. @throws AppError `backupDamaged` */
  entries(): Generator<ManifestEntry>;
  /** The same entries for a check of all of them: several times as quick. @throws AppError `backupDamaged` */
  contents(): Generator<ManifestContentEntry>;
  entriesOfDomain(domain: string): Generator<ManifestEntry>;
  /** Entries whose ID begins with these hex digits, found through the index. @throws AppError `backupDamaged` */
  entriesOfShard(prefix: string): Generator<ManifestEntry>;
  /** Names alone, without their records: quick. The kind is what the row's flags say. */
  namesOfDomain(domain: string): Generator<ManifestName>;
  /**
   * Names whose domain and path contain every word. Between two parts of the work it yields undefined, so that a caller
   * can let others have their turn.
   */
  matchNames(words: readonly string[]): Generator<(ManifestName & { readonly domain: string }) | undefined>;
  /** Every domain, and whether there is a file in it; quick, whatever the size of the index. */
  domainNames(): readonly { readonly domain: string; readonly hasFiles: boolean }[];
  /** Domains with the number of their files, directories not counted. */
  domains(): readonly { readonly domain: string; readonly files: number }[];
  find(fileID: string): ManifestEntry | undefined;
  /** The same by name: for rows whose ID was not made from it. */
  findNamed(domain: string, relativePath: string): ManifestEntry | undefined;
  close(): void;
}

/**
 * Opens whatever index the backup has; nothing is written, and an encrypted one is decrypted in memory, block by block.
 * @param keybag Needed if the index is encrypted.
 * @param password Opens the records of iOS 10.0, whose key is then kept in the keybag.
 * @throws AppError `passwordNeeded`, `wrongPassword`, `backupDamaged`, `notABackup`
 */
export async function openManifest(
  folder: string,
  plist: ManifestPlist,
  keybag?: UnlockedKeybag,
  password?: string,
): Promise<Manifest> {
  const database = path.join(folder, 'Manifest.db');
  if (fs.existsSync(database)) return openDatabase(database, plist, keybag, password);
  const mbdb = path.join(folder, 'Manifest.mbdb');
  if (fs.existsSync(mbdb)) return openMbdb(await readFile(mbdb));
  throw new AppError('backupDamaged', 'there is no Manifest.db', { details: { file: 'Manifest.db' } });
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

/** Only iOS 10.0 wrote them; undefined otherwise. */
function readRecordProperties(db: ReadOnlyDatabase): RecordProperties | undefined {
  try {
    const read = (key: string) => db.first('SELECT value FROM Properties WHERE key = ?', [key])?.[0];
    const [salt, passwordHash] = [read('salt'), read('passwordHash')];
    return salt instanceof Uint8Array && passwordHash instanceof Uint8Array ? { salt, passwordHash } : undefined;
  } catch (error) {
    // Without that table there are none.
    if (isAppError(error, 'backupDamaged')) return undefined;
    throw error;
  }
}

/** Parts that a search over all names is cut into: some milliseconds each at a million names. */
const SEARCH_PARTS = 64;

class DatabaseManifest implements Manifest {
  readonly layout = 'sharded';
  readonly #db: ReadOnlyDatabase;
  /** The key of the records, where they are encrypted one by one; the function gives undefined while it is not known. */
  readonly #recordKey: (() => Uint8Array | undefined) | undefined;
  readonly #hasDomainIndex: boolean;

  constructor(db: ReadOnlyDatabase, key: (() => Uint8Array | undefined) | undefined) {
    this.#db = db;
    this.#recordKey = key;
    const columns = new Set([...db.rows('SELECT name FROM pragma_table_info(?)', ['Files'])].map(([name]) => name));
    for (const name of COLUMNS.split(', ')) {
      if (!columns.has(name)) throw new AppError('backupDamaged', `Manifest.db has no column Files.${name}`);
    }
    this.#hasDomainIndex = this.#hasIndexOn('domain');
  }

  *entries(): Generator<ManifestEntry> {
    for (const row of this.#db.rows(`SELECT ${COLUMNS} FROM Files`)) {
      const entry = this.#entry(row);
      if (entry) yield entry;
    }
  }

  *contents(): Generator<ManifestContentEntry> {
    if (this.#recordKey) {
      for (const entry of this.entries()) yield contentOf(entry);
      return;
    }
    for (const row of this.#db.scan(`SELECT ${COLUMNS} FROM Files`)) {
      const fileID = row.text(0) ?? '';
      const record = row.blob(4);
      const facts = record && isFileID(fileID) ? readRecordFacts(record) : undefined;
      if (facts && row.isText(1) && row.isText(2)) {
        const kind = kindOfMode(facts.mode) ?? kindOfFlags(row.number(3)) ?? 'file';
        const size = kind === 'file' ? Math.max(0, facts.size) : 0;
        const names = () => ({ domain: row.text(1) ?? '', relativePath: row.text(2) ?? '' });
        yield { ok: true, fileID, kind, size, hasKey: facts.hasKey, names };
      } else {
        const [domain, relativePath] = [row.text(1) ?? null, row.text(2) ?? null];
        const entry = toEntry([row.text(0) ?? null, domain, relativePath, row.number(3), record ?? null]);
        if (entry) yield contentOf(entry);
      }
    }
  }

  *entriesOfDomain(domain: string): Generator<ManifestEntry> {
    for (const row of this.#db.rows(`SELECT ${COLUMNS} FROM Files WHERE domain = ?`, [domain])) {
      const entry = this.#entry(row);
      if (entry) yield entry;
    }
  }

  *entriesOfShard(prefix: string): Generator<ManifestEntry> {
    const sql = `SELECT ${COLUMNS} FROM Files WHERE fileID >= ? AND fileID < ?`;
    // `g` comes after every hex digit.
    for (const row of this.#db.rows(sql, [prefix, `${prefix}g`])) {
      const entry = this.#entry(row);
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

  /**
   * Paths are matched in their index alone, which is a tenth of the table: only what matches costs a visit to its row.
   * Words that a domain's own name holds need not be in its paths.
   */
  *matchNames(words: readonly string[]): Generator<(ManifestName & { readonly domain: string }) | undefined> {
    const domains = this.domainNames().map(({ domain }) => domain);
    const inPath = (some: readonly string[], column: string) =>
      some.map(
        (word) =>
          `(${spellings(word)
            .map(() => `${column} LIKE ? ESCAPE '\\'`)
            .join(' OR ')})`,
      );
    const patterns = (some: readonly string[]) => some.flatMap(spellings).map(likePattern);

    const everywhere = inPath(words, 'a.relativePath').join(' AND ');
    for (const [from, to] of this.#searchParts()) {
      const range = to === undefined ? 'a.relativePath >= ?' : 'a.relativePath >= ? AND a.relativePath < ?';
      // CROSS JOIN keeps the order: first the index alone, then the rows that matched.
      const sql =
        'SELECT b.fileID, b.domain, b.relativePath, b.flags FROM Files a CROSS JOIN Files b ON b.rowid = a.rowid ' +
        `WHERE ${range} AND ${everywhere}`;
      yield* this.#names(sql, [from, ...(to === undefined ? [] : [to]), ...patterns(words)]);
      yield undefined;
    }
    for (const domain of domains) {
      const folded = domain.toLowerCase();
      const rest = words.filter((word) => !spellings(word).some((one) => folded.includes(one.toLowerCase())));
      if (rest.length === words.length) continue;
      const wanted = inPath(rest, 'relativePath').map((one) => ` AND ${one}`);
      const found = inPath(words, 'relativePath').join(' AND ');
      const sql = `SELECT fileID, domain, relativePath, flags FROM Files WHERE domain = ?${wanted.join('')} AND NOT (${found})`;
      yield* this.#names(sql, [domain, ...patterns(rest), ...patterns(words)]);
      yield undefined;
    }
  }

  domains(): readonly { readonly domain: string; readonly files: number }[] {
    const rows = this.#db.rows('SELECT domain, sum(flags & 1) FROM Files WHERE domain IS NOT NULL GROUP BY domain');
    return [...rows].map(([domain, files]) => ({ domain: sqlText(domain), files: Number(files) }));
  }

  domainNames(): readonly { readonly domain: string; readonly hasFiles: boolean }[] {
    // Without the index each step would read the whole table.
    if (!this.#hasDomainIndex) return this.domains().map(({ domain, files }) => ({ domain, hasFiles: files > 0 }));
    // From each domain straight to the next: two visits to the index instead of one to every row.
    const rows = this.#db.rows(`
      WITH RECURSIVE names(domain) AS (
        SELECT min(domain) FROM Files
        UNION ALL SELECT (SELECT min(domain) FROM Files WHERE domain > names.domain) FROM names WHERE domain IS NOT NULL
      )
      SELECT domain, EXISTS (SELECT 1 FROM Files f WHERE f.domain = names.domain AND f.flags & 7 = 1)
      FROM names WHERE domain IS NOT NULL`);
    return [...rows].map(([domain, hasFiles]) => ({ domain: sqlText(domain), hasFiles: hasFiles === 1 }));
  }

  find(fileID: string): ManifestEntry | undefined {
    const row = this.#db.first(`SELECT ${COLUMNS} FROM Files WHERE fileID = ?`, [fileID]);
    return row && this.#entry(row);
  }

  findNamed(domain: string, relativePath: string): ManifestEntry | undefined {
    // The root's path is that of every domain; its row says nothing that is needed.
    if (relativePath === '') return undefined;
    const sql = `SELECT ${COLUMNS} FROM Files WHERE relativePath = ? AND domain = ?`;
    const row = this.#db.first(sql, [relativePath, domain]);
    return row && this.#entry(row);
  }

  close(): void {
    this.#db.close();
  }

  *#names(sql: string, parameters: readonly string[]): Generator<ManifestName & { readonly domain: string }> {
    for (const [fileID, domain, relativePath, flags] of this.#db.rows(sql, parameters)) {
      const kind = kindOfFlags(Number(flags));
      if (typeof fileID !== 'string' || typeof domain !== 'string' || typeof relativePath !== 'string') continue;
      if (kind && isFileID(fileID)) yield { fileID, domain, relativePath, kind };
    }
  }

  /** Ranges of paths, about equal in number: borders are the paths of rows picked at equal distances. */
  #searchParts(): readonly (readonly [from: string, to: string | undefined])[] {
    const last = Number(this.#db.first('SELECT max(rowid) FROM Files')?.[0] ?? 0);
    const borders = new Set<string>();
    for (let part = 1; part < SEARCH_PARTS; part++) {
      const rowid = Math.floor((last * part) / SEARCH_PARTS);
      const path = this.#db.first('SELECT relativePath FROM Files WHERE rowid = ?', [rowid])?.[0];
      if (typeof path === 'string' && path !== '') borders.add(path);
    }
    const sorted = [...borders].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return ['', ...sorted].map((from, index) => [from, sorted[index]]);
  }

  #hasIndexOn(column: string): boolean {
    const sql =
      "SELECT 1 FROM pragma_index_list('Files') l JOIN pragma_index_info(l.name) i WHERE i.seqno = 0 AND i.name = ?";
    return this.#db.first(sql, [column]) !== undefined;
  }

  #entry(row: Row): ManifestEntry | undefined {
    if (!this.#recordKey || !(row[4] instanceof Uint8Array)) return toEntry(row);
    const key = this.#recordKey();
    if (!key) throw new AppError('passwordNeeded', 'the records in Manifest.db are encrypted');
    try {
      return toEntry([...row.slice(0, 4), decryptRecord(key, row[4])]);
    } catch (error) {
      if (!isAppError(error, 'fileDamaged')) throw error;
      const [fileID, domain, relativePath] = row.map((value) => (typeof value === 'string' ? value : ''));
      return {
        ok: false,
        fileID: fileID ?? '',
        domain: domain ?? '',
        relativePath: relativePath ?? '',
        reason: error.message,
      };
    }
  }
}

/** SQLite folds the case of ASCII letters only, and devices write names in either Unicode form. */
function spellings(word: string): string[] {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(word)) return [word];
  const cases = [word, word.toLowerCase(), word.toUpperCase()];
  return [...new Set(cases.flatMap((one) => [one.normalize('NFC'), one.normalize('NFD')]))];
}

function likePattern(word: string): string {
  return `%${word.replace(/[\\%_]/g, '\\$&')}%`;
}

/** Rows with only the device's own marks have no domain, path or record: they are no entries. */
function toEntry([fileID, domain, relativePath, flags, file]: Row): ManifestEntry | undefined {
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

function contentOf(entry: ManifestEntry): ManifestContentEntry {
  if (!entry.ok) return entry;
  const { fileID, kind, size, encryptionKey, domain, relativePath } = entry.file;
  return { ok: true, fileID, kind, size, hasKey: encryptionKey !== undefined, names: () => ({ domain, relativePath }) };
}

const MATCH_TURN = 5000;

function openMbdb(bytes: Buffer): Manifest {
  const { files, damagedAt } = parseManifestMbdb(bytes);
  const entries = files.map((file): ManifestEntry => ({ ok: true, file }));
  const byDomain = groupByDomain(files);
  const byID = new Map(entries.map((entry) => [entry.ok ? entry.file.fileID : '', entry]));
  return {
    layout: 'flat',
    ...(damagedAt === undefined ? {} : { damage: `Manifest.mbdb cannot be read from byte ${damagedAt} on` }),
    *entries() {
      yield* entries;
    },
    *contents() {
      for (const entry of entries) yield contentOf(entry);
    },
    *entriesOfDomain(domain) {
      for (const file of byDomain.get(domain) ?? []) yield { ok: true, file };
    },
    *entriesOfShard(prefix) {
      for (const file of files) if (file.fileID.startsWith(prefix)) yield { ok: true, file };
    },
    *namesOfDomain(domain) {
      yield* byDomain.get(domain) ?? [];
    },
    *matchNames(words) {
      const wanted = words.map((word) => word.toLowerCase());
      let seen = 0;
      for (const file of files) {
        const name = `${file.domain}/${file.relativePath}`.toLowerCase();
        if (wanted.every((word) => name.includes(word))) yield file;
        if (++seen % MATCH_TURN === 0) yield undefined;
      }
    },
    domainNames: () =>
      [...byDomain].map(([domain, all]) => ({ domain, hasFiles: all.some(({ kind }) => kind === 'file') })),
    domains: () =>
      [...byDomain].map(([domain, all]) => ({ domain, files: all.filter(({ kind }) => kind === 'file').length })),
    find: (fileID) => byID.get(fileID),
    findNamed: () => undefined,
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
