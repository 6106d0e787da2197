import { lstat, mkdir, open, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError, type ErrorCode, isAppError, isCancellation } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { DecryptedSource } from '../format/byteSource';
import type { OpenedBackup } from './openedBackup';
import { FolderNames, type NameRules, nameRules } from './safeNames';

/** What to take out: everything, a domain, or a file or folder of a domain with all below. */
export interface Selection {
  readonly domain?: string;
  readonly relativePath?: string;
}

export interface ExtractOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly files: number; readonly bytes: number }) => void;
  readonly platform?: NodeJS.Platform;
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
 * @throws AppError `fileNotFound` if nothing is selected, `hostDiskFull`, `folderNotWritable`, `cancelled`, `passwordNeeded`
 */
export async function extract(
  backup: OpenedBackup,
  selection: Selection,
  target: string,
  options: ExtractOptions = {},
): Promise<ExtractReport> {
  const run = new Extraction(backup, path.resolve(target), options);
  const domains =
    selection.domain === undefined
      ? backup.manifest
          .domains()
          .map(({ domain }) => domain)
          .sort()
      : [selection.domain];
  const top = new FolderNames(run.rules);
  for (const domain of domains) await run.domain(domain, selection.relativePath ?? '', top.give(domain));
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

  constructor(
    private readonly backup: OpenedBackup,
    private readonly target: string,
    private readonly options: ExtractOptions,
  ) {
    this.rules = nameRules(options.platform ?? process.platform);
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
    const parts = relativePath === '' ? [] : relativePath.split('/');
    // The way down to the selection; siblings get the same names as when everything is taken out.
    const names = [folderName];
    let at = '';
    for (const part of parts) {
      names.push(this.#namesIn(domain, at).get(part) ?? part);
      at = at === '' ? part : `${at}/${part}`;
    }
    if (kind === 'directory') await this.#folder(domain, relativePath, names);
    else await this.#one(domain, relativePath, names);
  }

  async #folder(domain: string, relativePath: string, names: readonly string[]): Promise<void> {
    await this.#makeFolder(names);
    const given = this.#namesIn(domain, relativePath);
    for (const child of this.backup.list(domain, relativePath)) {
      throwIfAborted(this.options.signal);
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
    try {
      const { file } = this.backup.stat(domain, relativePath);
      if (!file) throw new AppError('fileDamaged', 'it has no readable row');
      if (file.kind === 'link') {
        this.#links.push({ domain, relativePath, target: file.linkTarget ?? '' });
        return;
      }
      await this.#makeFolder(names.slice(0, -1));
      const from = `${domain}/${relativePath}`;
      const to = names.join('/');
      if (from !== to) this.#renamed.push({ from, to });
      await this.#write(file, path.join(this.target, ...names));
    } catch (error) {
      if (!isAppError(error) || isCancellation(error) || endsAll(error.code)) throw error;
      this.#failed.push({ domain, relativePath, code: error.code, message: error.message });
    }
    this.options.onProgress?.({ files: this.#files + this.#present, bytes: this.#bytes });
  }

  async #write(file: BackupFile, place: string): Promise<void> {
    const content = this.backup.openContent(file);
    try {
      const there = await lstat(place).catch(() => undefined);
      if (there?.isFile() && there.size === content.size && Math.trunc(there.mtimeMs / 1000) === file.modified) {
        this.#present++;
        return;
      }
      if (content instanceof DecryptedSource && content.damage && content.size > 0) {
        throw new AppError('fileDamaged', `its encrypted content is damaged (${content.damage})`);
      }
      if (!this.backup.isUnaltered(file)) throw new AppError('fileDamaged', 'its content was altered');
      const partial = `${place}.part`;
      try {
        await using handle = await open(partial, 'w', 0o600);
        for (let offset = 0; offset < content.size;) {
          throwIfAborted(this.options.signal);
          const count = content.read(this.#buffer, offset);
          if (count === 0) throw new AppError('fileDamaged', `it ends at ${offset} of ${content.size} bytes`);
          await writeAll(handle, this.#buffer.subarray(0, count));
          offset += count;
          this.#bytes += count;
        }
        await handle.close();
        await utimes(partial, file.modified, file.modified);
        await rename(partial, place);
        this.#files++;
      } catch (error) {
        await rm(partial, { force: true });
        throw diskError(error, place);
      }
    } finally {
      content.close();
    }
  }

  /** Makes the folder and its parents below the target. A link in the place of one of them would lead elsewhere: refused. */
  async #makeFolder(names: readonly string[]): Promise<void> {
    let place = this.target;
    for (const name of ['', ...names]) {
      place = path.join(place, name);
      if (this.#folders.has(place)) continue;
      try {
        await mkdir(place, { recursive: name === '', mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(error, place);
      }
      if (name !== '' && !(await lstat(place)).isDirectory()) throw new AppError('unsafePath', `${place} is no folder`);
      this.#folders.add(place);
    }
  }
}

async function writeAll(
  handle: { write(bytes: Buffer): Promise<{ bytesWritten: number }> },
  bytes: Buffer,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const { bytesWritten } = await handle.write(rest);
    rest = rest.subarray(bytesWritten);
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
