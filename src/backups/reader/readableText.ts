import { AppError } from '../../base/errors';
import { isPlistError } from '../../plist';
import type { ByteSource } from '../format/byteSource';
import type { Row } from '../format/readOnlyDatabase';
import { contentKind, SNIFF_LENGTH } from './contentKind';
import { DatabaseReader, hexDump } from './databaseReader';
import type { OpenedBackup } from './openedBackup';
import { plistText } from './plistText';
import { Turns } from './turns';

/** Bytes of a file that are read to show it as text. */
const MAX_FILE = 16 << 20;
const MAX_TEXT = 4 << 20;
const MAX_VALUE = 2000;

/**
 * A file as text that can be compared line by line: property lists in readable form, databases as their tables with
 * sorted rows, other text as it is, anything else as the beginning of a hexadecimal dump.
 * @throws AppError `fileNotFound`, `fileDamaged`, `keyNotAvailable`, `cancelled`
 */
export async function readableText(
  backup: OpenedBackup,
  domain: string,
  relativePath: string,
  signal?: AbortSignal,
): Promise<string> {
  const { file } = backup.stat(domain, relativePath);
  if (!file || file.kind === 'directory') throw new AppError('fileNotFound', `${domain}/${relativePath} is no file`);
  const content = backup.openContent(file);
  try {
    const kind = contentKind(readBytes(content, SNIFF_LENGTH));
    if (kind === 'database') return await databaseText(backup, domain, relativePath, signal);
    const bytes = readBytes(content, MAX_FILE);
    if (kind === 'plist' && bytes.length === content.size) {
      try {
        return plistText(bytes);
      } catch (error) {
        if (!isPlistError(error)) throw error;
        return `# This property list cannot be read: ${error.message}\n\n${hexDump(bytes)}\n`;
      }
    }
    if (kind === 'text' || kind === 'plist' || kind === 'empty') {
      const text = bytes.toString('utf8', 0, MAX_TEXT);
      return bytes.length > MAX_TEXT || content.size > bytes.length ? `${text}\n# … more is left out\n` : text;
    }
    return `${hexDump(bytes)}\n`;
  } finally {
    content.close();
  }
}

/** The beginning of some content, at most `length` bytes. */
export function readBytes(content: ByteSource, length: number): Buffer {
  const bytes = Buffer.alloc(Math.min(content.size, length));
  return bytes.subarray(0, content.read(bytes, 0));
}

/** Each table's statement, then its rows in an order of their own: where they lie in the file says nothing. */
async function databaseText(
  backup: OpenedBackup,
  domain: string,
  relativePath: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const database = await DatabaseReader.open(backup, domain, relativePath);
  const turns = new Turns(signal);
  try {
    const parts: string[] = [];
    let length = 0;
    const tables = new Map<string, string[]>();
    let cut = false;
    for (const { table, columns, row } of database.allRows(MAX_VALUE)) {
      await turns.next();
      const line = columns.map((column, index) => `${column}=${valueText(row[index])}`).join(', ');
      const lines = tables.get(table) ?? [];
      tables.set(table, lines);
      lines.push(line);
      length += line.length + 1;
      cut = length > MAX_TEXT;
      if (cut) break;
    }
    for (const { name, sql, problem } of database.tables()) {
      parts.push(`-- ${name}`, sql, ...(problem === undefined ? [] : [`-- cannot be read: ${problem}`]));
      parts.push(...(tables.get(name) ?? []).sort(naturally), '');
    }
    if (cut) parts.push('-- … more is left out');
    return parts.join('\n');
  } finally {
    database.close();
  }
}

const collator = new Intl.Collator('en', { numeric: true });
const naturally = (a: string, b: string) => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

function valueText(value: Row[number] | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
  return `<${Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(64, bytes.length)).toString('hex')}${bytes.length > 64 ? '…' : ''}>`;
}
