import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError, type ErrorCode, isAppError } from '../../base/errors';
import type { FileContent } from '../format/backupFile';
import { writeFailure, type WriterPlaces, type WriteTask } from './contentWriter';
import type { TreeChild } from './domainNames';
import type { OpenedBackup } from './openedBackup';
import { newPartialName, removeOrphans } from './partialFiles';
import { FolderNames, type NameRules, nameRules, safeName } from './safeNames';
import { Turns } from './turns';
import {
  DIGEST_LENGTH,
  endsRun,
  HAS_DIGEST,
  HAS_KEY,
  IS_NEW,
  KEY_LENGTH,
  SECRETS_LENGTH,
  StepwiseWriter,
  type WriteBatch,
  type Writer,
  type WriteResults,
} from './writer';
import { WriterPool, writerProgram } from './writerPool';

/** What to take out: everything, a domain, or a file or folder of a domain with all below. */
export interface Selection {
  readonly domain?: string;
  readonly relativePath?: string;
  /** Where it goes, below the target: `['Notes', 'Documents']`. By default its domain and path. */
  readonly place?: readonly string[];
}

export interface ExtractOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly files: number; readonly bytes: number }) => void;
  readonly platform?: NodeJS.Platform;
  /** A better date for a file than its own, in Unix seconds: when a photo was taken. */
  readonly modifiedOf?: (file: Pick<FileContent, 'domain' | 'relativePath'>) => number | undefined;
}

export interface ExtractReport {
  /** Written now. */
  readonly files: number;
  readonly bytes: number;
  /** There already, from an earlier run: same size and date. */
  readonly present: number;
  /** Links are not made, since they could lead anywhere; this is where they point to. */
  readonly links: readonly { readonly domain: string; readonly relativePath: string; readonly target: string }[];
  /** Files that this computer's file system wants under another name: backup's path → path below the target. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly failed: readonly ExtractFailure[];
}

export interface ExtractFailure {
  readonly domain: string;
  readonly relativePath: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Contents that are handed on together: some tens of milliseconds of work. */
const BATCH_FILES = 256;
const BATCH_BYTES = 8 << 20;
const PROGRESS_MS = 100;

/**
 * Takes files out of a backup as `<target>/<domain>/<path>`: decrypted, checked, with their dates, under names that the
 * file system can hold. A file appears under its name only when it is whole, and one that is there whole is not written
 * again, so a run that was stopped can be repeated. Trouble with one file costs that file alone.
 *
 * More than a few files are decrypted and written by threads, as many as the computer has room for; here only the index is
 * read, in steps between which the event loop has its turn. Not for the extension host.
 * @throws AppError `fileNotFound` if nothing is selected, `hostDiskFull`, `folderNotWritable`, `cancelled`, `passwordNeeded`
 */
export async function extract(
  backup: OpenedBackup,
  selection: Selection,
  target: string,
  options: ExtractOptions = {},
): Promise<ExtractReport> {
  return extractAll(backup, [selection], target, options);
}

/** The same for several selections, in one report. A domain or file of the list that the backup lacks is passed over. */
export async function extractAll(
  backup: OpenedBackup,
  selections: readonly Selection[],
  target: string,
  options: ExtractOptions = {},
): Promise<ExtractReport> {
  removeOrphans(path.resolve(target));
  const run = new Extraction(backup, path.resolve(target), options);
  try {
    const found = await run.selections(selections);
    if (!found) {
      const [first] = selections;
      throw new AppError('fileNotFound', `the backup has no ${first?.domain ?? ''}/${first?.relativePath ?? ''}`);
    }
    return await run.finish();
  } finally {
    await run.close();
  }
}

/** A content whose turn comes with its batch. */
interface Planned extends Pick<WriteTask, 'place' | 'isNew' | 'modified'> {
  readonly file: FileContent;
}

interface MadeFolder {
  /** Below the target, `/`-separated. */
  readonly names: string;
  /** Absolute. */
  readonly place: string;
  /** It was made in this run: nothing of an earlier one can be in it. */
  readonly isNew: boolean;
}

class Extraction {
  readonly #rules: NameRules;
  readonly #links: ExtractReport['links'][number][] = [];
  readonly #renamed: ExtractReport['renamed'][number][] = [];
  readonly #failed: (ExtractFailure & { readonly index: number })[] = [];
  /** Folders that are there, and whether this run made them. */
  readonly #folders = new Map<string, boolean>();
  readonly #places: WriterPlaces;
  readonly #turns: Turns;
  #batch: Planned[] = [];
  #batchBytes = 0;
  #next = 0;
  #written = 0;
  #present = 0;
  #told = 0;
  #writer: Writer | undefined;

  constructor(
    private readonly backup: OpenedBackup,
    private readonly target: string,
    private readonly options: ExtractOptions,
  ) {
    this.#rules = nameRules(options.platform ?? process.platform);
    this.#turns = new Turns(options.signal);
    // Beside the target's own files, under a name that no backup has: it never stands in for a whole one.
    const partial = path.join(target, newPartialName());
    this.#places = { folder: backup.folder, layout: backup.manifest.layout, partial };
  }

  /** @returns whether there is anything of them. */
  async selections(selections: readonly Selection[]): Promise<boolean> {
    const all = this.backup.manifest
      .domainNames()
      .map(({ domain }) => domain)
      .sort();
    // Domains get the same names whichever of them are taken out.
    const top = new FolderNames(this.#rules);
    const names = new Map(all.map((domain) => [domain, top.give(domain)]));
    const given = new FolderNames(this.#rules);
    let found = false;
    for (const { domain, relativePath = '', place } of selections) {
      for (const one of domain === undefined ? all : [domain]) {
        const name = names.get(one);
        if (name === undefined || !this.backup.has(one, relativePath)) continue;
        found = true;
        // Two selections that would meet: the second gets another name.
        const [last] = place?.slice(-1) ?? [];
        const at = last === undefined ? place : [...(place?.slice(0, -1) ?? []), given.give(last)];
        await this.#selection(one, relativePath, at, name);
      }
    }
    return found;
  }

  /** Waits for what is being written. */
  async finish(): Promise<ExtractReport> {
    await this.#flush(true);
    await this.#whileTelling(this.#writer?.finish());
    this.#tell();
    return {
      files: this.#written,
      bytes: this.#writer?.bytes ?? 0,
      present: this.#present,
      links: this.#links,
      renamed: this.#renamed,
      failed: this.#failed
        .sort((one, other) => one.index - other.index)
        .map(({ domain, relativePath, code, message }) => ({ domain, relativePath, code, message })),
    };
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }

  async #selection(
    domain: string,
    relativePath: string,
    place: readonly string[] | undefined,
    folderName: string,
  ): Promise<void> {
    const { kind } = this.backup.stat(domain, relativePath);
    const names = place?.map((name) => safeName(name, this.#rules)) ?? [folderName];
    if (!place) {
      // The way down to the selection; siblings get the same names as when everything is taken out.
      let at = '';
      for (const part of relativePath === '' ? [] : relativePath.split('/')) {
        names.push(this.#namesIn(domain, at).find(({ name }) => name === part)?.given ?? part);
        at = at === '' ? part : `${at}/${part}`;
      }
    }
    const isPlaced = place !== undefined;
    if (kind === 'directory') await this.#folder(domain, relativePath, names, isPlaced);
    else await this.#one(domain, relativePath, this.#makeFolder(names.slice(0, -1)), names.at(-1) ?? '', isPlaced);
  }

  async #folder(domain: string, relativePath: string, names: readonly string[], isPlaced: boolean): Promise<void> {
    const folder = this.#makeFolder(names);
    for (const { name, given, kind } of this.#namesIn(domain, relativePath)) {
      const below = relativePath === '' ? name : `${relativePath}/${name}`;
      if (kind === 'directory') await this.#folder(domain, below, [...names, given], isPlaced);
      else await this.#one(domain, below, folder, given, isPlaced);
    }
  }

  /** Children in the order of their names, so that a name is given alike in every run. */
  #namesIn(domain: string, relativePath: string): readonly (TreeChild & { readonly given: string })[] {
    const names = new FolderNames(this.#rules);
    return [...this.backup.list(domain, relativePath)]
      .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
      .map(({ name, kind }) => ({ name, kind, given: names.give(name) }));
  }

  async #one(
    domain: string,
    relativePath: string,
    { names, place, isNew }: MadeFolder,
    name: string,
    isPlaced: boolean,
  ): Promise<void> {
    throwIfAborted(this.options.signal);
    try {
      const file = this.backup.content(domain, relativePath);
      if (!file) throw new AppError('fileDamaged', 'it has no readable row');
      if (file.kind === 'link') {
        this.#links.push({ domain, relativePath, target: file.linkTarget ?? '' });
        return;
      }
      if (!isPlaced) {
        const [from, to] = [`${domain}/${relativePath}`, `${names}/${name}`];
        if (from !== to) this.#renamed.push({ from, to });
      }
      const modified = this.options.modifiedOf?.(file) ?? file.modified;
      this.#batch.push({ file, place: place + path.sep + name, isNew, modified });
      this.#batchBytes += file.size;
    } catch (error) {
      if (!isAppError(error) || error.code === 'cancelled' || endsRun(error.code)) throw error;
      this.#fail(this.#next++, { domain, relativePath }, error);
    }
    if (this.#batch.length >= BATCH_FILES || this.#batchBytes >= BATCH_BYTES) await this.#flush(false);
    await this.#turns.next();
  }

  #fail(
    index: number,
    { domain, relativePath }: Pick<ExtractFailure, 'domain' | 'relativePath'>,
    { code, message }: Pick<ExtractFailure, 'code' | 'message'>,
  ): void {
    this.#failed.push({ index, domain, relativePath, code, message });
  }

  /** Hands on what is planned. What is little in all stays here: a thread would need longer to start. */
  async #flush(isLast: boolean): Promise<void> {
    const batch = this.#makeBatch(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    if (!batch) return;
    const { signal } = this.options;
    const onResults = (results: WriteResults) => this.#onResults(results);
    const program = isLast && !this.#writer ? undefined : writerProgram();
    this.#writer ??= program
      ? new WriterPool(this.#places, program, onResults, signal)
      : new StepwiseWriter(this.#places, onResults, this.#turns, signal);
    await this.#whileTelling(this.#writer.write(batch));
  }

  /** Opens the keys of all at once. */
  #makeBatch(planned: readonly Planned[]): WriteBatch | undefined {
    const keys = this.backup.contentKeys(planned.map(({ file }) => file));
    const usable = planned.flatMap((one, at) => {
      const key = keys[at];
      if (!(key instanceof Error)) return [{ ...one, key }];
      this.#fail(this.#next++, one.file, key);
      return [];
    });
    if (usable.length === 0) return undefined;
    const secrets = new Uint8Array(usable.length * SECRETS_LENGTH);
    const marks = usable.map(({ file, key, isNew }, at) => {
      const start = at * SECRETS_LENGTH;
      if (key) secrets.set(key, start);
      key?.fill(0);
      const hasDigest = file.digest?.length === DIGEST_LENGTH;
      if (file.digest && hasDigest) secrets.set(file.digest, start + KEY_LENGTH);
      return (isNew ? IS_NEW : 0) | (key ? HAS_KEY : 0) | (hasDigest ? HAS_DIGEST : 0);
    });
    const first = this.#next;
    this.#next += usable.length;
    return {
      first,
      fileIDs: usable.map(({ file }) => file.fileID),
      places: usable.map(({ place }) => place),
      modified: Float64Array.from(usable, ({ modified }) => modified),
      marks: Uint8Array.from(marks),
      secrets,
    };
  }

  #onResults({ written, present, failed }: WriteResults): void {
    this.#written += written;
    this.#present += present;
    for (const { index, fileID, ...reason } of failed) {
      const entry = this.backup.manifest.find(fileID);
      if (entry) this.#fail(index, entry.ok ? entry.file : entry, reason);
    }
    this.#tell();
  }

  #tell(): void {
    this.#told = performance.now();
    this.options.onProgress?.({ files: this.#written + this.#present, bytes: this.#writer?.bytes ?? 0 });
  }

  /** A file of gigabytes is told about while it is written. */
  async #whileTelling(work: Promise<void> | undefined): Promise<void> {
    const timer = setInterval(() => {
      if (performance.now() - this.#told >= PROGRESS_MS) this.#tell();
    }, PROGRESS_MS);
    try {
      await work;
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * Makes the folder and its parents below the target. A link in the place of one of them would lead elsewhere: refused.
   */
  #makeFolder(names: readonly string[]): MadeFolder {
    let place = this.target;
    let isNew = false;
    for (const name of ['', ...names]) {
      place = path.join(place, name);
      const known = this.#folders.get(place);
      isNew = known ?? (name === '' ? this.#makeTarget(place) : this.#makeOne(place));
      if (known === undefined) this.#folders.set(place, isNew);
    }
    return { names: names.join('/'), place, isNew };
  }

  #makeTarget(place: string): boolean {
    try {
      return fs.mkdirSync(place, { recursive: true, mode: 0o700 }) !== undefined;
    } catch (error) {
      throw writeFailure(error, place);
    }
  }

  #makeOne(place: string): boolean {
    try {
      fs.mkdirSync(place, { mode: 0o700 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(error, place);
    }
    if (!fs.lstatSync(place).isDirectory()) throw new AppError('unsafePath', `${place} is no folder`);
    return false;
  }
}
