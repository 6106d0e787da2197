import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppError, isAppError } from '../../base/errors';
import type { BackupFile, FileContent } from '../format/backupFile';
import { type ByteSource, DecryptedSource, FileSource, MemorySource } from '../format/byteSource';
import { deriveKey } from '../format/deriveKey';
import { fileID } from '../format/fileID';
import { type Keybag, parseKeybag, type UnlockedKeybag, unlockKeybag } from '../format/keybag';
import type { Manifest } from '../format/manifest';
import { openManifest } from '../format/openManifest';
import { type ManifestPlist, readManifestPlist } from '../format/manifestPlist';
import { readAppNames } from './appNames';
import { BackupPaths } from './backupPaths';
import { domainFolders } from './domainFolders';
import type { DomainNames, TreeChild } from './domainNames';
import { DomainTree } from './domainTree';
import { IndexedDomain } from './indexedDomain';

/** Names kept in memory at a time, over all domains: about 20 MB. Those asked for last are always kept. */
const KEPT_NAMES = 200_000;
/** Rows from which a domain's names are looked up when they are asked for. */
const LARGE_DOMAIN = 5000;

/** A file or folder inside an opened backup. */
export interface OpenedEntry {
  readonly name: string;
  readonly domain: string;
  readonly relativePath: string;
  readonly kind: BackupFile['kind'];
  /** The row; undefined for a folder that only the paths of its children name. */
  readonly file?: BackupFile;
}

/**
 * A backup open for reading, whatever made it. Nothing is written; keys and plaintext live in this process's memory only,
 * until lock().
 */
export class OpenedBackup {
  readonly #domains = new Map<string, DomainNames>();
  #keybag: UnlockedKeybag | undefined;
  #manifest: Manifest | undefined;
  /** Contents that somebody reads: each holds its file's key. */
  readonly #contents = new Set<DecryptedSource>();
  /** What the password stands for: opens another backup of the same keybag without asking again. */
  #passwordKey: Buffer | undefined;
  #appNames: Promise<ReadonlyMap<string, string>> | undefined;
  #paths: BackupPaths | undefined;

  private constructor(
    readonly folder: string,
    readonly plist: ManifestPlist,
  ) {}

  /** @throws AppError `notABackup`, `backupDamaged`, `noPermission`, `diskError` */
  static async open(folder: string): Promise<OpenedBackup> {
    const opened = new OpenedBackup(folder, await readManifestPlist(folder));
    if (!opened.encrypted) opened.#manifest = await openManifest(folder, opened.plist);
    return opened;
  }

  get encrypted(): boolean {
    return this.plist.encrypted;
  }

  get locked(): boolean {
    return this.#manifest === undefined;
  }

  /** The class keys, for checks that decrypt; undefined while locked and for a backup that is not encrypted. */
  get keybag(): UnlockedKeybag | undefined {
    return this.#keybag;
  }

  /**
   * @throws AppError `wrongPassword`, `keybagDamaged`, `backupDamaged`, `notEncrypted`, `cancelled`
   */
  async unlock(password: string, signal?: AbortSignal): Promise<void> {
    if (!this.encrypted) throw new AppError('notEncrypted', 'the backup is not encrypted');
    if (!this.locked) return;
    const keybag = this.#parsedKeybag();
    // Keyboards and systems differ in how they compose accents; the password was typed on one of them.
    const forms = new Set([password, password.normalize('NFC'), password.normalize('NFD')]);
    for (const form of forms) {
      const key = await deriveKey(form, keybag.derivation, signal);
      try {
        await this.#open(keybag, key, form);
        return;
      } catch (error) {
        key.fill(0);
        if (!isAppError(error, 'wrongPassword')) throw error;
      }
    }
    throw new AppError('wrongPassword', 'no class key opens');
  }

  /**
   * Opens it with the password of another backup of the same device: the keybag stays the same from backup to backup
   * until the password is changed.
   * @returns whether it did; false if the password has to be asked for.
   * @throws AppError `keybagDamaged`, `backupDamaged`
   */
  async unlockLike(other: OpenedBackup): Promise<boolean> {
    if (!this.locked) return true;
    const key = other.#passwordKey;
    if (!key || !other.plist.keybag) return false;
    const keybag = this.#parsedKeybag();
    if (!isDeepStrictEqual(keybag.derivation, parseKeybag(other.plist.keybag).derivation)) return false;
    try {
      await this.#open(keybag, Buffer.from(key));
      return true;
    } catch (error) {
      if (isAppError(error, 'wrongPassword') || isAppError(error, 'passwordNeeded')) return false;
      throw error;
    }
  }

  #parsedKeybag(): Keybag {
    if (!this.plist.keybag) throw new AppError('keybagDamaged', 'Manifest.plist holds no keybag');
    return parseKeybag(this.plist.keybag);
  }

  /** Keeps the key if it opens the backup. */
  async #open(parsed: Keybag, key: Buffer, password?: string): Promise<void> {
    const keybag = unlockKeybag(parsed, key);
    try {
      this.#manifest = await openManifest(this.folder, this.plist, keybag, password);
    } catch (error) {
      keybag.clear();
      throw error;
    }
    this.#keybag = keybag;
    this.#passwordKey = key;
  }

  /** Overwrites all keys, also of contents that are still being read, and forgets names. An unencrypted backup stays open until close(). */
  lock(): void {
    if (this.encrypted) this.close();
  }

  close(): void {
    for (const content of this.#contents) content.forget();
    this.#contents.clear();
    this.#manifest?.close();
    this.#manifest = undefined;
    this.#keybag?.clear();
    this.#keybag = undefined;
    this.#passwordKey?.fill(0);
    this.#passwordKey = undefined;
    this.#domains.clear();
    this.#paths = undefined;
  }

  /** @throws AppError `passwordNeeded` while locked. */
  get manifest(): Manifest {
    if (!this.#manifest) throw new AppError('passwordNeeded', 'the backup is locked');
    return this.#manifest;
  }

  /** What people call its apps; needs no password, and is read once. */
  appNames(): Promise<ReadonlyMap<string, string>> {
    return (this.#appNames ??= readAppNames(this.folder, this.plist));
  }

  /** The backup as folders with names that people know. @throws AppError `passwordNeeded`, `backupDamaged` */
  async paths(): Promise<BackupPaths> {
    if (this.#paths) return this.#paths;
    const appNames = await this.appNames();
    return (this.#paths = new BackupPaths(domainFolders(this.manifest.domainNames(), appNames)));
  }

  /** The children of a domain's folder, in no particular order. @throws AppError `fileNotFound`, `passwordNeeded` */
  list(domain: string, relativePath: string): readonly TreeChild[] {
    const children = this.#names(domain).children(relativePath);
    if (!children) throw new AppError('fileNotFound', `${domain} has no folder ${relativePath}`);
    return children;
  }

  /** Whether there is such a file or folder. @throws AppError `passwordNeeded` */
  has(domain: string, relativePath: string): boolean {
    const names = this.#names(domain);
    return relativePath === '' ? names.size > 0 : names.find(relativePath) !== undefined;
  }

  /** @throws AppError `fileNotFound`, `passwordNeeded` */
  stat(domain: string, relativePath: string): OpenedEntry {
    const child = relativePath === '' ? undefined : this.#names(domain).find(relativePath);
    if (relativePath !== '' && !child) throw new AppError('fileNotFound', `${domain} has no ${relativePath}`);
    const file = this.file(domain, relativePath, child?.kind ?? 'directory');
    return {
      name: child?.name ?? domain,
      domain,
      relativePath,
      kind: child?.kind ?? 'directory',
      ...(file ? { file } : {}),
    };
  }

  /**
   * The row of what list() told of; undefined if it has none.
   * @param kind What it is: of a folder nothing is needed, so a damaged row is none.
   * @throws AppError `fileDamaged`, `passwordNeeded`
   */
  file(domain: string, relativePath: string, kind: BackupFile['kind'] = 'file'): BackupFile | undefined {
    // IDs are made of the name; a row of another ID is found by its name.
    const row = this.manifest.find(fileID(domain, relativePath)) ?? this.manifest.findNamed(domain, relativePath);
    if (row && !row.ok && kind !== 'directory') throw new AppError('fileDamaged', row.reason);
    return row?.ok && row.file.domain === domain && row.file.relativePath === relativePath ? row.file : undefined;
  }

  /** What it takes to take a file out: quicker than file(). @throws as file() */
  content(domain: string, relativePath: string): FileContent | undefined {
    const found = this.manifest.findContent(fileID(domain, relativePath));
    const isIt = found?.domain === domain && found.relativePath === relativePath;
    return isIt ? found : this.file(domain, relativePath);
  }

  /** The keys of contents, for whoever decrypts them, and wipes them; undefined for what is not encrypted. */
  contentKeys(files: readonly FileContent[]): readonly (Buffer | AppError | undefined)[] {
    const keybag = this.#keybag;
    if (!keybag) return files.map(() => undefined);
    const sealed = files.flatMap(({ encryptionKey }) => encryptionKey ?? []);
    const opened = keybag.unwrapAll(sealed);
    let next = 0;
    return files.map(({ encryptionKey }) => (encryptionKey ? opened[next++] : undefined));
  }

  /**
   * Opens a file's content, decrypted where it is read; that of a link is the path it leads to. The caller closes it.
   * @param place Where the content lies, if not in the backup's folder.
   * @throws AppError `fileNotFound` if the content is missing, `fileDamaged`, `keyNotAvailable`
   */
  openContent(file: BackupFile, place?: string): ByteSource {
    if (file.kind === 'link') return new MemorySource(Buffer.from(file.linkTarget ?? '', 'utf8'));
    const stored = new FileSource(place ?? this.#placeOf(file));
    try {
      if (!file.encryptionKey || !this.#keybag) return stored;
      const content: DecryptedSource = new DecryptedSource(stored, this.#keybag.unwrap(file.encryptionKey), () =>
        this.#contents.delete(content),
      );
      this.#contents.add(content);
      return content;
    } catch (error) {
      stored.close();
      throw error;
    }
  }

  #names(domain: string): DomainNames {
    const there = this.#domains.get(domain);
    if (there) {
      // Most recently used last.
      this.#domains.delete(domain);
      this.#domains.set(domain, there);
      return there;
    }
    const { pathIndex } = this.manifest;
    // In a large share of all rows, looking up is quicker than reading all; in a small one, others' rows are in the way.
    const isLarge = pathIndex?.isLarger(domain, Math.max(LARGE_DOMAIN, pathIndex.rows >> 5)) ?? false;
    const made =
      pathIndex && isLarge ? new IndexedDomain(pathIndex, domain) : new DomainTree(this.manifest.namesOfDomain(domain));
    this.#domains.set(domain, made);
    let names = 0;
    for (const { kept } of this.#domains.values()) names += kept;
    for (const [oldest, { kept }] of this.#domains) {
      if (names <= KEPT_NAMES || oldest === domain) break;
      this.#domains.delete(oldest);
      names -= kept;
    }
    return made;
  }

  /** IDs are 40 hex digits, checked when the row was read, so neither place can leave the folder. */
  #placeOf({ fileID: id }: BackupFile): string {
    const places = [path.join(this.folder, id.slice(0, 2), id), path.join(this.folder, id)];
    for (const place of this.manifest.layout === 'flat' ? places.reverse() : places) {
      const stat = fs.lstatSync(place, { throwIfNoEntry: false });
      if (stat?.isFile()) return place;
    }
    throw new AppError('fileNotFound', `the content ${id} is missing`);
  }
}
