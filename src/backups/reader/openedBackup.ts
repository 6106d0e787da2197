import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { type ByteSource, DecryptedSource, FileSource } from '../format/byteSource';
import { deriveKey } from '../format/deriveKey';
import { fileID } from '../format/fileID';
import { parseKeybag, type UnlockedKeybag, unlockKeybag } from '../format/keybag';
import { type Manifest, openManifest } from '../format/manifest';
import { type ManifestPlist, readManifestPlist } from '../format/manifestPlist';
import { DomainTree, type TreeChild } from './domainTree';

/** Trees of domains kept in memory at a time; a phone has some hundred domains, most of them tiny. */
const KEPT_TREES = 64;
const HASH_CHUNK = 1 << 20;

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
  readonly #trees = new Map<string, DomainTree>();
  #keybag: UnlockedKeybag | undefined;
  #manifest: Manifest | undefined;

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
    if (!this.plist.keybag) throw new AppError('keybagDamaged', 'Manifest.plist holds no keybag');
    const parsed = parseKeybag(this.plist.keybag);
    const key = await deriveKey(password, parsed.derivation, signal);
    let keybag: UnlockedKeybag | undefined;
    try {
      keybag = unlockKeybag(parsed, key);
      this.#manifest = await openManifest(this.folder, this.plist, keybag);
      this.#keybag = keybag;
    } catch (error) {
      keybag?.clear();
      throw error;
    } finally {
      key.fill(0);
    }
  }

  /** Forgets keys and names. An unencrypted backup stays open until close(). */
  lock(): void {
    if (this.encrypted) this.close();
  }

  close(): void {
    this.#manifest?.close();
    this.#manifest = undefined;
    this.#keybag?.clear();
    this.#keybag = undefined;
    this.#trees.clear();
  }

  /** @throws AppError `passwordNeeded` while locked. */
  get manifest(): Manifest {
    if (!this.#manifest) throw new AppError('passwordNeeded', 'the backup is locked');
    return this.#manifest;
  }

  /** The children of a domain's folder, in no particular order. @throws AppError `fileNotFound`, `passwordNeeded` */
  list(domain: string, relativePath: string): readonly TreeChild[] {
    const children = this.tree(domain).children(relativePath);
    if (!children) throw new AppError('fileNotFound', `${domain} has no folder ${relativePath}`);
    return [...children];
  }

  /** @throws AppError `fileNotFound`, `passwordNeeded` */
  stat(domain: string, relativePath: string): OpenedEntry {
    const child = relativePath === '' ? undefined : this.tree(domain).find(relativePath);
    if (relativePath !== '' && !child) throw new AppError('fileNotFound', `${domain} has no ${relativePath}`);
    const row = this.manifest.find(child?.fileID ?? fileID(domain, relativePath));
    if (row && !row.ok && child?.kind !== 'directory') throw new AppError('fileDamaged', row.reason);
    const file = row?.ok && row.file.domain === domain && row.file.relativePath === relativePath ? row.file : undefined;
    return {
      name: child?.name ?? domain,
      domain,
      relativePath,
      kind: child?.kind ?? 'directory',
      ...(file ? { file } : {}),
    };
  }

  /**
   * Opens a file's content, decrypted where it is read. The caller closes it.
   * @throws AppError `fileNotFound` if the content is missing, `fileDamaged`, `keyNotAvailable`
   */
  openContent(file: BackupFile): ByteSource {
    const stored = new FileSource(this.#placeOf(file));
    try {
      if (!file.encryptionKey || !this.#keybag) return stored;
      return new DecryptedSource(stored, this.#keybag.unwrap(file.encryptionKey));
    } catch (error) {
      stored.close();
      throw error;
    }
  }

  /** Compares the stored bytes with the row's digest; true for a file that has none. @throws AppError `fileNotFound` */
  isUnaltered(file: BackupFile): boolean {
    if (!file.digest) return true;
    const stored = new FileSource(this.#placeOf(file));
    try {
      const hash = createHash('sha1');
      const buffer = Buffer.allocUnsafe(Math.min(stored.size, HASH_CHUNK) || 1);
      for (let offset = 0; offset < stored.size;) {
        const count = stored.read(buffer, offset);
        if (count === 0) break;
        hash.update(buffer.subarray(0, count));
        offset += count;
      }
      return hash.digest().equals(file.digest);
    } finally {
      stored.close();
    }
  }

  tree(domain: string): DomainTree {
    const kept = this.#trees.get(domain);
    if (kept) {
      // Most recently used last.
      this.#trees.delete(domain);
      this.#trees.set(domain, kept);
      return kept;
    }
    const made = new DomainTree(this.manifest.namesOfDomain(domain));
    this.#trees.set(domain, made);
    const [oldest] = this.#trees.keys();
    if (this.#trees.size > KEPT_TREES && oldest !== undefined) this.#trees.delete(oldest);
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
