import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../base/errors';
import type { HistoryEntry } from './protocol';

/** Entries kept for one device: a backup a day for a year and a half. */
const MAX_ENTRIES = 500;
/** The file is shortened only now and then. */
const SLACK = 100;

/** How the backups of each device went: one file per device, one JSON object per line, readable by the user only. */
export class History {
  readonly #folder: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stateDirectory: string) {
    this.#folder = path.join(stateDirectory, 'history');
  }

  add(entry: HistoryEntry): Promise<void> {
    return this.#alone(async () => {
      const file = this.#file(entry.udid);
      await fs.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      // The line's end comes first: a line that a crash has cut short spoils no other.
      await fs.appendFile(file, `\n${JSON.stringify(entry)}`, { mode: 0o600 });
      const entries = await readEntries(file);
      if (entries.length <= MAX_ENTRIES + SLACK) return;
      const lines = entries.slice(-MAX_ENTRIES).map((kept) => `\n${JSON.stringify(kept)}`);
      const temporary = `${file}.${crypto.randomBytes(4).toString('hex')}`;
      await fs.writeFile(temporary, lines.join(''), { flag: 'wx', mode: 0o600 });
      await fs.rename(temporary, file);
    });
  }

  /** Newest first. */
  list(udid: string): Promise<readonly HistoryEntry[]> {
    return this.#alone(async () => (await readEntries(this.#file(udid))).slice(-MAX_ENTRIES).reverse());
  }

  /** Of all devices, newest first. */
  recent(count: number): Promise<readonly HistoryEntry[]> {
    return this.#alone(async () => {
      const names = await fs.readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const files = names.filter((name) => name.endsWith('.jsonl')).map((name) => path.join(this.#folder, name));
      const all = (await Promise.all(files.map(readEntries))).flat();
      return all.sort((one, other) => (one.endedAt < other.endedAt ? 1 : -1)).slice(0, count);
    });
  }

  #file(udid: string): string {
    if (!/^[0-9A-Za-z-]{1,64}$/.test(udid)) throw new AppError('notAllowed', 'not a UDID');
    return path.join(this.#folder, `${udid.toLowerCase()}.jsonl`);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** A line that was cut short by a crash, or is none of ours, is left out. */
async function readEntries(file: string): Promise<HistoryEntry[]> {
  const text = await fs.readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => {
    try {
      const entry: unknown = line ? JSON.parse(line) : undefined;
      return isHistoryEntry(entry) ? [entry] : [];
    } catch {
      return [];
    }
  });
}

function isHistoryEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { startedAt, endedAt, outcome, bytes, files, error } = value as Readonly<Record<string, unknown>>;
  return (
    [startedAt, endedAt].every((date) => typeof date === 'string' && !Number.isNaN(Date.parse(date))) &&
    ['done', 'failed', 'cancelled'].includes(outcome as string) &&
    [bytes, files].every(Number.isFinite) &&
    (error === undefined || (typeof error === 'object' && error !== null && 'code' in error && 'details' in error))
  );
}
