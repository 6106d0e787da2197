import path from 'node:path';
import { AppError, isAppError } from '../base/errors';
import {
  type BackupFile,
  type BackupPaths,
  compare,
  countPhotos,
  DatabaseReader,
  domainSizes,
  OpenedBackup,
  plistText,
  readableText,
  readBytes,
  readPlistFile,
} from '../backups';
import { Batch } from './batch';
import { extractWhat } from './extractWhat';
import { findContents, findNames } from './findInBackup';
import type {
  CallContext,
  EntryInfo,
  FoundDifference,
  ListedEntry,
  OpenedBackupInfo,
  ReaderCalls,
  ReaderMethod,
} from './protocol';
import { notFound, shownKind } from './shownPaths';

export type ReaderHandlers = {
  readonly [M in ReaderMethod]: (
    params: ReaderCalls[M]['params'],
    context: CallContext,
  ) => Promise<ReaderCalls[M]['result']>;
};

/** Bytes that one call may ask for: the client reads larger files in parts. */
const MAX_READ = 8 << 20;
const MAX_PLIST = 32 << 20;
/** Databases kept open for the tables that are on the screen. */
const MAX_DATABASES = 4;

/** One backup, open for one window. What the protocol calls is here; how it travels is not. */
export class ReaderSession {
  readonly #databases = new Map<string, Promise<DatabaseReader>>();
  #backup: OpenedBackup | undefined;
  #other: OpenedBackup | undefined;

  /** Ends everything: keys are overwritten, names and plaintext forgotten. */
  close(): void {
    for (const database of this.#databases.values()) void database.then((one) => one.close()).catch(() => {});
    this.#databases.clear();
    this.#other?.close();
    this.#other = undefined;
    this.#backup?.close();
    this.#backup = undefined;
  }

  readonly handlers: ReaderHandlers = {
    open: async ({ folder }) => this.#open(folder),
    unlock: async ({ password }, { signal }) => {
      await this.#opened.unlock(password, signal);
      return null;
    },
    list: async ({ path: at }) => this.#list(at),
    stat: async ({ path: at }) => this.#stat(at),
    domains: async () => (await this.#paths()).folders,
    read: async ({ path: at, offset, length }) => this.#read(at, offset, length),
    readableText: async ({ path: at }, { signal }) => {
      const { domain, relativePath } = await this.#entry(at);
      return readableText(this.#opened, domain, relativePath, signal);
    },
    plistText: async ({ path: at }) => {
      const content = this.#opened.openContent(await this.#file(at));
      try {
        if (content.size > MAX_PLIST) throw new AppError('fileTooLarge', `a property list of ${content.size} bytes`);
        return plistText(readBytes(content, content.size));
      } finally {
        content.close();
      }
    },
    tables: async ({ path: at }) => {
      const database = await this.#database(at);
      return { tables: database.tables(), logPages: database.logPages };
    },
    rows: async ({ path: at, query }) => (await this.#database(at)).page(query),
    cell: async ({ path: at, query, row, column }) => (await this.#database(at)).cell(query, row, column),
    sizes: async ({ before }, context) => this.#sizes(before, context),
    searchNames: async (params, context) => findNames(this.#opened, params, context),
    searchContents: async (params, context) => findContents(this.#opened, params, context),
    extract: async (params, context) => extractWhat(this.#opened, params, context),
    compare: async ({ folder, password }, context) => this.#compare(folder, password, context),
    comparedText: async ({ side, domain, relativePath }, { signal }) => {
      const backup = side === 'after' ? this.#opened : this.#other;
      if (!backup) throw new AppError('notAllowed', 'no comparison is open');
      try {
        return await readableText(backup, domain, relativePath, signal);
      } catch (error) {
        if (isAppError(error, 'fileNotFound')) return '';
        throw error;
      }
    },
    closeComparison: async () => {
      this.#other?.close();
      this.#other = undefined;
      return null;
    },
  };

  get #opened(): OpenedBackup {
    if (!this.#backup) throw new AppError('notAllowed', 'no backup is open');
    return this.#backup;
  }

  async #open(folder: string): Promise<OpenedBackupInfo> {
    if (this.#backup) throw new AppError('notAllowed', 'a reader opens one backup');
    if (!path.isAbsolute(folder)) throw new AppError('notAllowed', 'the folder is not absolute');
    const backup = await OpenedBackup.open(folder);
    this.#backup = backup;
    // While the person types the password: Info.plist can have ten megabytes.
    setImmediate(() => void backup.appNames().catch(() => {}));
    const { lockdown } = backup.plist;
    const text = (key: string) => {
      const value = lockdown?.get(key);
      return typeof value === 'string' && value !== '' ? value : undefined;
    };
    const deviceName = text('DeviceName');
    const udid = text('UniqueDeviceID') ?? (await udidOfInfo(folder));
    return {
      encrypted: backup.encrypted,
      locked: backup.locked,
      ...(udid === undefined ? {} : { udid }),
      ...(deviceName === undefined ? {} : { deviceName }),
    };
  }

  #paths(): Promise<BackupPaths> {
    return this.#opened.paths();
  }

  async #entry(at: string): Promise<{ readonly domain: string; readonly relativePath: string }> {
    const target = (await this.#paths()).resolve(at);
    if (target?.kind !== 'entry') throw notFound(at);
    return target;
  }

  async #file(at: string): Promise<BackupFile> {
    const { domain, relativePath } = await this.#entry(at);
    const { file } = this.#opened.stat(domain, relativePath);
    if (!file || file.kind === 'directory') throw notFound(at);
    return file;
  }

  async #list(at: string): Promise<readonly ListedEntry[]> {
    const paths = await this.#paths();
    const target = paths.resolve(at);
    if (target?.kind === 'entry') {
      return this.#opened
        .list(target.domain, target.relativePath)
        .map(({ name, kind }) => ({ name, kind: shownKind(kind) }));
    }
    const names = target && paths.children(at);
    if (!names) throw notFound(at);
    return names.map((name) => ({ name, kind: 'folder' }));
  }

  async #stat(at: string): Promise<EntryInfo> {
    const target = (await this.#paths()).resolve(at);
    if (!target) throw notFound(at);
    const none = { kind: 'folder', size: 0, created: 0, modified: 0 } as const;
    if (target.kind === 'group') return none;
    const { file, kind } = this.#opened.stat(target.domain, target.relativePath);
    if (!file) return { ...none, kind: shownKind(kind) };
    return {
      kind: shownKind(kind),
      size: this.#sizeOf(file),
      created: file.born * 1000,
      modified: file.modified * 1000,
    };
  }

  /** The device records the size of a live file; what lies in the backup can differ. */
  #sizeOf(file: BackupFile): number {
    if (file.kind === 'directory') return 0;
    try {
      const content = this.#opened.openContent(file);
      content.close();
      return content.size;
    } catch (error) {
      // It is still listed; reading it says what is wrong.
      if (isAppError(error)) return file.size;
      throw error;
    }
  }

  async #read(at: string, offset: number, length: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || length > MAX_READ) {
      throw new AppError('notAllowed', `${length} bytes at ${offset}`);
    }
    const content = this.#opened.openContent(await this.#file(at));
    try {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, content.size - offset)));
      return bytes.subarray(0, content.read(bytes, offset));
    } finally {
      content.close();
    }
  }

  async #database(at: string): Promise<DatabaseReader> {
    const kept = this.#databases.get(at);
    if (kept) return kept;
    const { domain, relativePath } = await this.#entry(at);
    const opening = DatabaseReader.open(this.#opened, domain, relativePath);
    this.#databases.set(at, opening);
    opening.catch(() => this.#databases.delete(at));
    const [oldest] = this.#databases.entries();
    if (this.#databases.size > MAX_DATABASES && oldest) {
      this.#databases.delete(oldest[0]);
      void oldest[1].then((database) => database.close()).catch(() => {});
    }
    return opening;
  }

  async #sizes(
    before: string | undefined,
    { signal, onProgress }: CallContext,
  ): Promise<ReaderCalls['sizes']['result']> {
    const other = before === undefined ? undefined : await OpenedBackup.open(before).catch(() => undefined);
    try {
      const compared = other !== undefined && (!other.locked || (await other.unlockLike(this.#opened)));
      const domains = await domainSizes(this.#opened, {
        ...(compared && { before: other }),
        signal,
        onProgress: (files) => onProgress({ files, bytes: 0 }),
      });
      const photos = await countPhotos(this.#opened, signal);
      return { domains, compared, ...(photos && { photos }) };
    } finally {
      other?.close();
    }
  }

  async #compare(
    folder: string,
    password: string | undefined,
    { signal, onProgress }: CallContext,
  ): Promise<ReaderCalls['compare']['result']> {
    const other = await OpenedBackup.open(folder);
    try {
      if (other.locked && password !== undefined) await other.unlock(password, signal);
      else if (other.locked && !(await other.unlockLike(this.#opened))) {
        throw new AppError('passwordNeeded', 'the other backup has another password');
      }
      const [paths, otherPaths] = [await this.#paths(), await other.paths()];
      let files = 0;
      const batch = new Batch<FoundDifference>((differences) => onProgress({ files, bytes: 0, differences }));
      const onFiles = (count: number) => {
        files = count;
        batch.tick();
      };
      for await (const difference of compare(other, this.#opened, { signal, onProgress: onFiles })) {
        const { domain, relativePath } = difference;
        const at = paths.pathOf(domain, relativePath) ?? otherPaths.pathOf(domain, relativePath);
        // Folders without a file say nothing about what happened.
        if (difference.fileKind !== 'directory') batch.add({ ...difference, path: at ?? `${domain}/${relativePath}` });
      }
      batch.flush();
      this.#other?.close();
      this.#other = other;
      return { files };
    } catch (error) {
      other.close();
      throw error;
    }
  }
}

async function udidOfInfo(folder: string): Promise<string | undefined> {
  try {
    const info = await readPlistFile(path.join(folder, 'Info.plist'));
    const value = info?.get('Target Identifier') ?? info?.get('Unique Identifier');
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}
