import { isAppError, isCancellation } from '../../base/errors';
import { isPlistError } from '../../plist';
import type { BackupFile } from '../format/backupFile';
import type { ByteSource } from '../format/byteSource';
import { contentKind, SNIFF_LENGTH } from './contentKind';
import { DatabaseReader } from './databaseReader';
import type { OpenedBackup } from './openedBackup';
import { plistText } from './plistText';
import { readBytes } from './readableText';
import { Turns } from './turns';

export interface ContentMatch {
  readonly domain: string;
  readonly relativePath: string;
  /** Where in it: a line of text, or of a property list in its readable form; a row of a table. */
  readonly place:
    | { readonly kind: 'line'; /** From 1. */ readonly line: number }
    | {
        readonly kind: 'row';
        readonly table: string;
        /** From 0, in the order of the table. */ readonly row: number;
        readonly column: string;
      };
  /** Some text around the match. */
  readonly excerpt: string;
}

export interface SearchScope {
  readonly domain?: string;
  /** A file or folder of the domain. */
  readonly relativePath?: string;
}

export interface SearchContentsOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SearchProgress) => void;
}

export interface SearchProgress {
  readonly files: number;
  readonly bytes: number;
  /** Files that could not be read or searched. */
  readonly unreadable: number;
}

/** Matches of one file; a word that is everywhere says no more with the thousandth. */
const MAX_MATCHES = 50;
const MAX_PLIST = 32 << 20;
const CHUNK = 1 << 20;
/** Text before and behind a match in its excerpt. */
const AROUND = 60;
const MAX_VALUE = 64 << 10;

/**
 * Searches the contents of a backup, or of a part of it: text files, property lists, and the text in databases. Letters
 * match whatever their case. Files of other kinds are passed over after their first bytes.
 * @throws AppError `passwordNeeded`, `backupDamaged`, `cancelled`
 */
export async function* searchContents(
  backup: OpenedBackup,
  text: string,
  scope: SearchScope = {},
  options: SearchContentsOptions = {},
): AsyncGenerator<ContentMatch> {
  if (text === '') return;
  const turns = new Turns(options.signal);
  const wanted = new Needle(text);
  let [files, bytes, unreadable] = [0, 0, 0];
  const domains =
    scope.domain === undefined ? backup.manifest.domainNames().map(({ domain }) => domain) : [scope.domain];
  for (const domain of domains) {
    for (const entry of backup.manifest.entriesOfDomain(domain)) {
      await turns.next();
      if (!entry.ok || entry.file.kind !== 'file' || !isInside(entry.file, scope.relativePath)) continue;
      try {
        for await (const match of searchFile(backup, entry.file, wanted, turns)) yield match;
      } catch (error) {
        if (isCancellation(error) || !(isAppError(error) || isPlistError(error) || isSystemError(error))) throw error;
        unreadable++;
      }
      files++;
      bytes += entry.file.size;
      options.onProgress?.({ files, bytes, unreadable });
    }
  }
}

function isInside({ relativePath }: BackupFile, folder: string | undefined): boolean {
  return folder === undefined || folder === '' || relativePath === folder || relativePath.startsWith(`${folder}/`);
}

async function* searchFile(
  backup: OpenedBackup,
  file: BackupFile,
  wanted: Needle,
  turns: Turns,
): AsyncGenerator<ContentMatch> {
  const { domain, relativePath } = file;
  // A log is searched with its database.
  if (/-(wal|shm|journal)$/.test(relativePath)) return;
  const content = backup.openContent(file);
  let found = 0;
  try {
    switch (contentKind(readBytes(content, SNIFF_LENGTH))) {
      case 'plist': {
        if (content.size > MAX_PLIST) return;
        let line = 0;
        for (const one of plistText(readBytes(content, content.size)).split('\n')) {
          line++;
          const excerpt = wanted.excerpt(one);
          if (excerpt === undefined) continue;
          yield { domain, relativePath, place: { kind: 'line', line }, excerpt };
          if (++found >= MAX_MATCHES) return;
        }
        return;
      }
      case 'text':
        for await (const { line, excerpt } of searchText(content, wanted, turns)) {
          yield { domain, relativePath, place: { kind: 'line', line }, excerpt };
          if (++found >= MAX_MATCHES) return;
        }
        return;
      case 'database':
        for await (const match of searchDatabase(backup, file, wanted, turns)) {
          yield match;
          if (++found >= MAX_MATCHES) return;
        }
        return;
      default:
        return;
    }
  } finally {
    content.close();
  }
}

/** Reads in parts, so that a log of gigabytes needs no memory; a line is cut after a part's length. */
async function* searchText(
  content: ByteSource,
  wanted: Needle,
  turns: Turns,
): AsyncGenerator<{ readonly line: number; readonly excerpt: string }> {
  const decoder = new TextDecoder();
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, content.size || 1));
  let rest = '';
  let line = 1;
  for (let offset = 0; offset < content.size;) {
    await turns.next();
    const count = content.read(buffer, offset);
    if (count === 0) break;
    offset += count;
    const text = rest + decoder.decode(buffer.subarray(0, count), { stream: offset < content.size });
    // Most parts hold nothing: one look at the whole is quicker than one at each line.
    if (!wanted.isIn(text)) {
      const last = text.lastIndexOf('\n');
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line++;
      rest = text.slice(last + 1).slice(-CHUNK);
      continue;
    }
    const lines = text.split('\n');
    rest = offset < content.size ? (lines.pop() ?? '').slice(-CHUNK) : '';
    for (const one of lines) {
      const excerpt = wanted.excerpt(one);
      if (excerpt !== undefined) yield { line, excerpt };
      line++;
    }
  }
}

async function* searchDatabase(
  backup: OpenedBackup,
  { domain, relativePath }: BackupFile,
  wanted: Needle,
  turns: Turns,
): AsyncGenerator<ContentMatch> {
  const database = await DatabaseReader.open(backup, domain, relativePath);
  try {
    let current = '';
    let number = 0;
    for (const { table, columns, row } of database.allRows(MAX_VALUE)) {
      await turns.next();
      if (table !== current) [current, number] = [table, 0];
      for (let index = 0; index < columns.length; index++) {
        const excerpt = wanted.excerptOf(row[index]);
        if (excerpt === undefined) continue;
        const place = { kind: 'row', table, row: number, column: columns[index] ?? '' } as const;
        yield { domain, relativePath, place, excerpt };
      }
      number++;
    }
  } finally {
    database.close();
  }
}

/** What is searched for, in any case. */
class Needle {
  readonly #pattern: RegExp;

  constructor(text: string) {
    const forms = [...new Set([text, text.normalize('NFC'), text.normalize('NFD')])];
    this.#pattern = new RegExp(forms.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'iu');
  }

  isIn(text: string): boolean {
    return this.#pattern.test(text);
  }

  excerpt(text: string): string | undefined {
    const found = this.#pattern.exec(text);
    if (!found) return undefined;
    const start = Math.max(0, found.index - AROUND);
    const end = Math.min(text.length, found.index + found[0].length + AROUND);
    const part = text.slice(start, end).replace(/\s+/g, ' ').trim();
    return `${start > 0 ? '…' : ''}${part}${end < text.length ? '…' : ''}`;
  }

  /** A value of a database: text, or a property list in a blob. */
  excerptOf(value: unknown): string | undefined {
    if (typeof value === 'string') return this.excerpt(value);
    if (!(value instanceof Uint8Array) || value.length < 8 || value[0] !== 0x62) return undefined;
    if (contentKind(value.subarray(0, 32)) !== 'plist') return undefined;
    try {
      const lines = plistText(value).split('\n');
      return lines.map((line) => this.excerpt(line)).find((excerpt) => excerpt !== undefined);
    } catch (error) {
      if (isPlistError(error)) return undefined;
      throw error;
    }
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
