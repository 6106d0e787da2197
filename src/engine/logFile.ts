import fs from 'node:fs';
import path from 'node:path';
import type { Log } from '../base/log';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

const MAX_BYTES = 1024 * 1024;
const OLD_FILES = 2;
const FLUSH_MS = 250;
/** A loop that logs must not eat the memory before the next flush. */
const MAX_LINE = 2000;

/** The engine's log: one file, and two older ones, that only the user can read. Secrets never get this far. */
export class LogFile implements Log {
  readonly file: string;
  readonly #least: number;
  #lines: string[] = [];
  #bytes: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: string, least: string | undefined) {
    this.file = file;
    this.#least = Math.max(0, LEVELS.indexOf((least ?? 'info') as Level));
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    this.#bytes = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  trace(message: string): void {
    this.#add('trace', message);
  }

  debug(message: string): void {
    this.#add('debug', message);
  }

  info(message: string): void {
    this.#add('info', message);
  }

  warn(message: string): void {
    this.#add('warn', message);
  }

  error(message: string): void {
    this.#add('error', message);
  }

  /** Writes what is waiting, at once. A log that cannot be written stops nothing. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#lines.join('');
    this.#lines = [];
    if (!text) return;
    try {
      if (this.#bytes + text.length > MAX_BYTES) this.#rotate();
      fs.appendFileSync(this.file, text, { mode: 0o600 });
      this.#bytes += Buffer.byteLength(text);
    } catch {
      // A full disk must not end the job that fills it.
    }
  }

  #add(level: Level, message: string): void {
    if (LEVELS.indexOf(level) < this.#least) return;
    // One line per message: a device's words cannot forge others.
    const line = message.replace(/[\r\n]+/g, ' ⏎ ').slice(0, MAX_LINE);
    this.#lines.push(`${new Date().toISOString()} [${level}] ${line}\n`);
    if (level === 'error' || this.#lines.length > 1000) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  #rotate(): void {
    for (let number = OLD_FILES; number > 0; number -= 1) {
      const from = number === 1 ? this.file : `${this.file}.${number - 1}`;
      if (fs.existsSync(from)) fs.renameSync(from, `${this.file}.${number}`);
    }
    this.#bytes = 0;
  }
}
