import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError, type ErrorCode, isAppError, isCancellation } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { type ByteSource, DecryptedSource } from '../format/byteSource';
import type { OpenedBackup } from './openedBackup';
import { FolderNames, type NameRules, nameRules, safeName } from './safeNames';
import { Turns } from './turns';

/** What to take out: everything, a domain, or a file or folder of a domain with all below. */
export interface Selection {
  readonly domain?: string;
  readonly relativePath?: string;
}

export interface ExtractOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly files: number; readonly bytes: number }) => void;
  readonly platform?: NodeJS.Platform;
  /** Where the selection itself goes, below the target: `['Notes', 'Documents']`. By default its domain and path. */
  readonly place?: readonly string[];
  /** A better date for a file than its own, in Unix seconds: when a photo was taken. */
  readonly modifiedOf?: (file: BackupFile) => number | undefined;
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

const CHUNK = 1 << 20;

/**
 * Takes files out of a backup as `<target>/<domain>/<path>`: decrypted, checked, with their dates, under names that the
 * file system can hold. A file appears under its name only when it is whole, and one that is there whole is not written
 * again, so a run that was stopped can be repeated. Trouble with one file costs that file alone.
 *
 * Disk and cipher are used synchronously, which is several times quicker with small files; the event loop has its turn
 * every few milliseconds. Not for the extension host.
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
  const run = new Extraction(backup, path.resolve(target), options);
  removeOrphans(path.resolve(target));
  const all = backup.manifest
    .domainNames()
    .map(({ domain }) => domain)
    .sort();
  // Domains get the same names whichever of them are taken out.
  const top = new FolderNames(run.rules);
  const names = new Map(all.map((domain) => [domain, top.give(domain)]));
  let found = 0;
  for (const { domain, relativePath = '' } of selections) {
    for (const one of domain === undefined ? all : [domain]) {
      const name = names.get(one);
      if (name === undefined || !backup.has(one, relativePath)) continue;
      found++;
      await run.domain(one, relativePath, name);
    }
  }
  if (found === 0) {
    const [first] = selections;
    throw new AppError('fileNotFound', `the backup has no ${first?.domain ?? ''}/${first?.relativePath ?? ''}`);
  }
  return run.report();
}

class Extraction {
  readonly rules: NameRules;
  #files = 0;
  #bytes = 0;
  #present = 0;
  readonly #links: ExtractReport['links'][number][] = [];
  readonly #renamed: ExtractReport['renamed'][number][] = [];
  readonly #failed: ExtractFailure[] = [];
  readonly #folders = new Set<string>();
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  /** With the process's number: what a killed one has left is told from what another one is writing. */
  readonly #partial = `.extracting-${process.pid}-${randomBytes(6).toString('hex')}.part`;
  readonly #turns: Turns;

  constructor(
    private readonly backup: OpenedBackup,
    private readonly target: string,
    private readonly options: ExtractOptions,
  ) {
    this.rules = nameRules(options.platform ?? process.platform);
    this.#turns = new Turns(options.signal);
  }

  report(): ExtractReport {
    return {
      files: this.#files,
      bytes: this.#bytes,
      present: this.#present,
      links: this.#links,
      renamed: this.#renamed,
      failed: this.#failed,
    };
  }

  async domain(domain: string, relativePath: string, folderName: string): Promise<void> {
    const { kind } = this.backup.stat(domain, relativePath);
    const names = this.options.place?.map((name) => safeName(name, this.rules)) ?? [folderName];
    if (!this.options.place) {
      // The way down to the selection; siblings get the same names as when everything is taken out.
      let at = '';
      for (const part of relativePath === '' ? [] : relativePath.split('/')) {
        names.push(this.#namesIn(domain, at).get(part) ?? part);
        at = at === '' ? part : `${at}/${part}`;
      }
    }
    if (kind === 'directory') await this.#folder(domain, relativePath, names);
    else await this.#one(domain, relativePath, names);
  }

  async #folder(domain: string, relativePath: string, names: readonly string[]): Promise<void> {
    this.#makeFolder(names);
    const given = this.#namesIn(domain, relativePath);
    for (const child of this.backup.list(domain, relativePath)) {
      const below = relativePath === '' ? child.name : `${relativePath}/${child.name}`;
      const place = [...names, given.get(child.name) ?? child.name];
      if (child.kind === 'directory') await this.#folder(domain, below, place);
      else await this.#one(domain, below, place);
    }
  }

  /** Children in the order of their names, so that a name is given alike in every run. */
  #namesIn(domain: string, relativePath: string): ReadonlyMap<string, string> {
    const names = new FolderNames(this.rules);
    const children = this.backup.list(domain, relativePath).map(({ name }) => name);
    return new Map(children.sort().map((name) => [name, names.give(name)]));
  }

  async #one(domain: string, relativePath: string, names: readonly string[]): Promise<void> {
    throwIfAborted(this.options.signal);
    try {
      const { file } = this.backup.stat(domain, relativePath);
      if (!file) throw new AppError('fileDamaged', 'it has no readable row');
      if (file.kind === 'link') {
        this.#links.push({ domain, relativePath, target: file.linkTarget ?? '' });
        return;
      }
      this.#makeFolder(names.slice(0, -1));
      const from = `${domain}/${relativePath}`;
      const to = names.join('/');
      if (from !== to && !this.options.place) this.#renamed.push({ from, to });
      await this.#write(file, path.join(this.target, ...names));
    } catch (error) {
      if (!isAppError(error) || isCancellation(error) || endsAll(error.code)) throw error;
      this.#failed.push({ domain, relativePath, code: error.code, message: error.message });
    }
    this.options.onProgress?.({ files: this.#files + this.#present, bytes: this.#bytes });
    await this.#turns.next();
  }

  async #write(file: BackupFile, place: string): Promise<void> {
    const content = this.backup.openContent(file);
    try {
      const modified = this.options.modifiedOf?.(file) ?? file.modified;
      const there = fs.lstatSync(place, { throwIfNoEntry: false });
      if (there?.isFile() && there.size === content.size && Math.trunc(there.mtimeMs / 1000) === Math.trunc(modified)) {
        this.#present++;
        return;
      }
      if (content instanceof DecryptedSource && content.damage && content.size > 0) {
        throw new AppError('fileDamaged', `its encrypted content is damaged (${content.damage})`);
      }
      if (!this.backup.isUnaltered(file)) throw new AppError('fileDamaged', 'its content was altered');
      // Beside the target's own files, under a name that no backup has: it never stands in for a whole one.
      const partial = path.join(this.target, this.#partial);
      try {
        await this.#copy(content, partial, modified);
        fs.renameSync(partial, place);
        this.#files++;
      } catch (error) {
        fs.rmSync(partial, { force: true });
        throw diskError(error, place);
      }
    } finally {
      content.close();
    }
  }

  async #copy(content: ByteSource, partial: string, modified: number): Promise<void> {
    // Exclusive: a link that somebody has put there is not followed.
    const fd = fs.openSync(partial, 'wx', 0o600);
    try {
      for (let offset = 0; offset < content.size;) {
        const count = content.read(this.#buffer, offset);
        if (count === 0) throw new AppError('fileDamaged', `it ends at ${offset} of ${content.size} bytes`);
        for (let done = 0; done < count;) done += fs.writeSync(fd, this.#buffer, done, count - done);
        offset += count;
        this.#bytes += count;
        if (offset < content.size) {
          this.options.onProgress?.({ files: this.#files + this.#present, bytes: this.#bytes });
          await this.#turns.next();
        }
      }
      fs.futimesSync(fd, modified, modified);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Makes the folder and its parents below the target. A link in the place of one of them would lead elsewhere: refused. */
  #makeFolder(names: readonly string[]): void {
    let place = this.target;
    for (const name of ['', ...names]) {
      place = path.join(place, name);
      if (this.#folders.has(place)) continue;
      try {
        fs.mkdirSync(place, { recursive: name === '', mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(error, place);
      }
      if (name !== '' && !fs.lstatSync(place).isDirectory()) throw new AppError('unsafePath', `${place} is no folder`);
      this.#folders.add(place);
    }
  }
}

/** What extractions that were killed have left of a file: content in the clear, of use to nobody. */
function removeOrphans(target: string): void {
  const names = fs.existsSync(target) ? fs.readdirSync(target) : [];
  for (const name of names) {
    const pid = /^\.extracting-(\d{1,10})-[0-9a-f]{12}\.part$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) fs.rmSync(path.join(target, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Trouble that every further file would have as well. */
function endsAll(code: ErrorCode): boolean {
  return code === 'hostDiskFull' || code === 'folderNotWritable' || code === 'passwordNeeded';
}

function diskError(error: unknown, place: string): AppError {
  if (isAppError(error)) return error;
  const code = String((error as NodeJS.ErrnoException).code);
  const message = `${place}: ${code}`;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('hostDiskFull', message, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AppError('folderNotWritable', message, { cause: error });
    case 'ENAMETOOLONG':
    case 'EINVAL':
      return new AppError('nameNotPossible', message, { cause: error });
    case 'EFBIG':
      return new AppError('fileTooLarge', message, { cause: error });
    default:
      return new AppError('diskError', message, { cause: error });
  }
}
