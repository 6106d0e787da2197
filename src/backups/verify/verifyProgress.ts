import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { VerifyFinding } from '../types';
import type { FoundFile } from './fullVerify';

/** A check that was stopped longer ago than this starts again: disks rot meanwhile. */
const FRESH_MS = 24 * 3600 * 1000;
/** Written no more often than this, and at the end. */
const SAVE_MS = 2000;

/** What a check of one top-level folder has given. */
export interface FolderResult {
  readonly files: number;
  readonly bytes: number;
  /** The first some thousand. */
  readonly findings: readonly VerifyFinding[];
  /** All of them. */
  readonly damages: number;
  readonly withoutHash: number;
}

interface Saved {
  readonly version: 2;
  readonly backup: string;
  /** What the check looked at: another Manifest, or the password, makes it another check. */
  readonly about: string;
  readonly startedAt: string;
  readonly folders: Readonly<Record<string, { readonly print: string; readonly result: FolderResult }>>;
}

/**
 * How far a full check has come, kept on disk so that one that was stopped goes on. A folder counts as done if its
 * files have the same names, sizes and times as then; without a file to keep it in, nothing is remembered.
 */
export class VerifyProgress {
  readonly startedAt: string;
  readonly #file: string | undefined;
  readonly #base: Pick<Saved, 'backup' | 'about'>;
  readonly #old: Saved['folders'];
  readonly #new: Record<string, { readonly print: string; readonly result: FolderResult }> = {};
  #savedAt = performance.now();

  /** @param file Where it is kept; a file that is not ours, or of another check, counts as none. */
  constructor(file: string | undefined, about: { readonly backup: string; readonly about: string }) {
    this.#file = file;
    this.#base = about;
    const saved = file === undefined ? undefined : read(file);
    const fits = saved?.backup === about.backup && saved.about === about.about;
    const fresh = saved && Date.now() - Date.parse(saved.startedAt) < FRESH_MS;
    this.#old = saved && fits && fresh ? saved.folders : {};
    this.startedAt = saved && fits && fresh ? saved.startedAt : new Date().toISOString();
  }

  get resumed(): boolean {
    return Object.keys(this.#old).length > 0;
  }

  printOf(files: readonly FoundFile[]): string {
    const hash = createHash('sha256');
    for (const { file, stat } of files) hash.update(`${file}\0${stat.size}\0${stat.mtimeMs}\0${stat.ino}\n`);
    return hash.digest('hex');
  }

  /** The result of this folder, if it was checked already. */
  done(folder: string, print: string): FolderResult | undefined {
    const old = Object.hasOwn(this.#old, folder) ? this.#old[folder] : undefined;
    return old?.print === print ? old.result : undefined;
  }

  add(folder: string, print: string, result: FolderResult): void {
    this.#new[folder] = { print, result };
    if (performance.now() - this.#savedAt > SAVE_MS) this.save();
  }

  /** Never fails: a check whose progress cannot be kept is a good check. */
  save(): void {
    this.#savedAt = performance.now();
    if (this.#file === undefined) return;
    const saved: Saved = {
      version: 2,
      ...this.#base,
      startedAt: this.startedAt,
      folders: { ...this.#old, ...this.#new },
    };
    try {
      fs.mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      fs.writeFileSync(`${this.#file}.new`, JSON.stringify(saved), { mode: 0o600 });
      fs.renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // Then it starts again.
    }
  }

  /** The check has come to its end. */
  forget(): void {
    if (this.#file !== undefined) fs.rmSync(this.#file, { force: true });
  }
}

function read(file: string): Saved | undefined {
  try {
    const value = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Saved> | null;
    return value?.version === 2 && typeof value.folders === 'object' && value.startedAt ? (value as Saved) : undefined;
  } catch {
    return undefined;
  }
}
