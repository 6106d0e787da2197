import { AppError, isAppError } from '../../base/errors';
import { type FileContent, kindOfFlags, kindOfMode } from './backupFile';
import { isFileID } from './fileID';
import type { Manifest, ManifestContentEntry, ManifestEntry, ManifestName } from './manifest';
import { contentOf, toEntry } from './manifestRow';
import { PathIndex } from './pathIndex';
import { type ReadOnlyDatabase, type Row, sqlText } from './readOnlyDatabase';
import { decryptRecord } from './recordCipher';
import { readRecordContent, readRecordFacts } from './recordFacts';

const COLUMNS = 'fileID, domain, relativePath, flags, file';
/** Parts that a search over all names is cut into: some milliseconds each at a million names. */
const SEARCH_PARTS = 64;

/** Manifest.db: since iOS 10. */
export class DatabaseManifest implements Manifest {
  readonly layout = 'sharded';
  readonly #db: ReadOnlyDatabase;
  /** The key of the records, where they are encrypted one by one; the function gives undefined while it is not known. */
  readonly #recordKey: (() => Uint8Array | undefined) | undefined;
  readonly #hasDomainIndex: boolean;
  #pathIndex: { readonly found: PathIndex | undefined } | undefined;

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
    for (const row of this.#db.scan(sql, [domain])) {
      const kind = kindOfFlags(row.number(2));
      const [fileID, relativePath] = [row.text(0), row.text(1)];
      if (fileID === undefined || relativePath === undefined || !kind || !isFileID(fileID)) continue;
      yield { fileID, relativePath, kind };
    }
  }

  get pathIndex(): PathIndex | undefined {
    this.#pathIndex ??= { found: PathIndex.of(this.#db) };
    return this.#pathIndex.found;
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

  findContent(fileID: string): FileContent | undefined {
    if (this.#recordKey) return undefined;
    for (const row of this.#db.scan(`SELECT ${COLUMNS} FROM Files WHERE fileID = ?`, [fileID])) {
      const record = row.blob(4);
      const content = record && isFileID(fileID) ? readRecordContent(record) : undefined;
      const [domain, relativePath] = [row.text(1), row.text(2)];
      if (!content || domain === undefined || relativePath === undefined) return undefined;
      const { mode, size, modified, encryptionKey, digest } = content;
      if (kindOfMode(mode) !== 'file') return undefined;
      const sealed = { ...(encryptionKey && { encryptionKey }), ...(digest && { digest }) };
      return { fileID, domain, relativePath, kind: 'file', size: Math.max(0, size), modified, ...sealed };
    }
    return undefined;
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
