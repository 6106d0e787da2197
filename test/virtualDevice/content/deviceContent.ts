import type { ContentDescription, FileDescription, FileGroup } from '../description';
import { encodeBinaryPlist } from '../../../src/plist';
import { ContentEntry, makeEntry, type EntryFields } from './contentEntry';
import { ownerOf } from './domains';
import { RandomNumbers } from './randomNumbers';

/** Unix seconds: when the oldest file was made. */
const FIRST_DAY = 1_600_000_000;

/** Files that are made anew by `addFiles`. */
export interface NewFiles {
  readonly domain: string;
  readonly folder: string;
  readonly size: number;
}

/** Everything that a device would back up. A million files fit in memory: bytes are made when they are read. */
export class DeviceContent {
  readonly #entries = new Map<string, ContentEntry>();
  readonly #seed: number;
  #nextInode = 1000;

  constructor(description: ContentDescription, seed: number) {
    this.#seed = seed;
    for (const file of description.files) this.put(file);
    for (const group of description.groups) this.#addGroup(group);
  }

  /** Every item, folders too, in the order in which they came to be. */
  entries(): IterableIterator<ContentEntry> {
    return this.#entries.values();
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Regular files, unreadable ones too. */
  files(): ContentEntry[] {
    const files: ContentEntry[] = [];
    for (const entry of this.#entries.values()) if (entry.kind === 'file') files.push(entry);
    return files;
  }

  find(domain: string, path: string): ContentEntry | undefined {
    return this.#entries.get(`${domain}-${path}`);
  }

  /** Bytes of all files. */
  get totalSize(): number {
    let total = 0;
    for (const entry of this.#entries.values()) total += entry.size;
    return total;
  }

  /** Makes or replaces an item, with the folders above it. A replaced file without a `revision` gets the next one. */
  put(file: FileDescription): ContentEntry {
    const { domain, relativePath: path, kind } = file;
    const before = this.find(domain, path);
    const key = before?.key ?? this.keyOf(domain, path);
    const revision = file.revision ?? (before ? before.revision + 1 : 0);
    const birth = before?.birth ?? FIRST_DAY + (key % 50_000_000);
    const modified = file.modified ?? Math.max(birth, (before?.modified ?? 0) + 1);
    const [userId, groupId] = ownerOf(domain);
    return this.putEntry({
      domain,
      path,
      kind,
      size: kind === 'file' ? (file.size ?? 0) : 0,
      key,
      revision,
      literal: file.content === undefined ? undefined : Buffer.from(file.content, 'base64'),
      mode: kind === 'file' ? 0o100644 : kind === 'directory' ? 0o40755 : 0o120755,
      userId,
      groupId,
      birth,
      modified,
      statusChange: modified + (key % 3),
      inode: before?.inode ?? this.#newInode(key),
      protectionClass: kind === 'file' ? (file.protectionClass ?? (key % 2 ? 3 : 4)) : 0,
      target: kind === 'link' ? (file.target ?? '/var/empty') : undefined,
      attributes: kind === 'file' && key % 8 === 1 ? attributesFor(key) : undefined,
      unreadable: file.unreadable ?? false,
    });
  }

  /** Puts an item exactly as given, with the folders above it where they are missing. */
  putEntry(fields: EntryFields): ContentEntry {
    if (fields.path !== '') this.#makeFolders(fields.domain, fields.path);
    const entry = fields instanceof ContentEntry ? fields : makeEntry(fields);
    this.#entries.set(entry.name, entry);
    return entry;
  }

  /** Removes an item, and all below it if it is a folder. @returns whether it was there. */
  remove(domain: string, path: string): boolean {
    const entry = this.find(domain, path);
    if (!entry) return false;
    if (entry.kind === 'directory') {
      for (const child of [...this.#entries.values()]) {
        if (child.domain === domain && (path === '' || child.path.startsWith(`${path}/`)))
          this.#entries.delete(child.name);
      }
    }
    return this.#entries.delete(entry.name);
  }

  /** Removes this one item only. */
  removeEntry(entry: ContentEntry): void {
    this.#entries.delete(entry.name);
  }

  /** Gives a file another name; its content stays what it was. */
  rename(domain: string, from: string, to: string): ContentEntry {
    const entry = this.find(domain, from);
    if (entry?.kind !== 'file') throw new Error(`there is no file ${domain}-${from}`);
    this.#entries.delete(entry.name);
    return this.putEntry(entry.with({ path: to, statusChange: entry.statusChange + 1 }));
  }

  /** Gives a file a new time without changing its bytes. */
  touch(domain: string, path: string): ContentEntry {
    const entry = this.find(domain, path);
    if (!entry) throw new Error(`there is nothing at ${domain}-${path}`);
    return this.putEntry(entry.with({ modified: entry.modified + 60, statusChange: entry.statusChange + 60 }));
  }

  /** New bytes for `count` files, some of them longer or shorter than before. @returns the files as they are now. */
  changeFiles(count: number, seed: number): ContentEntry[] {
    const random = new RandomNumbers(seed);
    return random.pick(this.#writable(), count).map((entry) => {
      const growth = random.below(4) === 0 ? random.below(5000) - 2500 : 0;
      const modified = entry.modified + 1 + random.below(100_000);
      return this.putEntry(
        entry.with({
          size: Math.max(0, entry.size + growth),
          literal: undefined,
          revision: entry.revision + 1,
          modified,
          statusChange: modified,
        }),
      );
    });
  }

  addFiles(count: number, seed: number, files?: NewFiles): ContentEntry[] {
    const random = new RandomNumbers(seed);
    return Array.from({ length: count }, (_, index) =>
      this.put({
        domain: files?.domain ?? 'CameraRollDomain',
        relativePath: `${files?.folder ?? 'Media/DCIM/101APPLE'}/NEW_${seed}_${index}.JPG`,
        kind: 'file',
        size: files?.size ?? random.below(100_000),
      }),
    );
  }

  removeFiles(count: number, seed: number): ContentEntry[] {
    const removed = new RandomNumbers(seed).pick(this.files(), count);
    for (const entry of removed) this.#entries.delete(entry.name);
    return removed;
  }

  renameFiles(count: number, seed: number): ContentEntry[] {
    return new RandomNumbers(seed)
      .pick(this.#writable(), count)
      .map((entry, index) => this.rename(entry.domain, entry.path, `${entry.path}.renamed-${seed}-${index}`));
  }

  touchFiles(count: number, seed: number): ContentEntry[] {
    return new RandomNumbers(seed).pick(this.#writable(), count).map((entry) => this.touch(entry.domain, entry.path));
  }

  /** A bit of everything: of `count` files about half change, the others are added, removed, renamed or touched. */
  churn(count: number, seed: number): string[] {
    const share = Math.floor(count / 8);
    const list = (what: string, entries: readonly ContentEntry[]) => entries.map((entry) => `${what} ${entry.name}`);
    return [
      ...list('changed', this.changeFiles(count - share * 4, seed)),
      ...list('touched', this.touchFiles(share, seed + 1)),
      ...list('renamed', this.renameFiles(share, seed + 2)),
      ...list('removed', this.removeFiles(share, seed + 3)),
      ...list('added', this.addFiles(share, seed)),
    ];
  }

  /** As a phone out of the box. */
  clear(): void {
    this.#entries.clear();
  }

  #writable(): ContentEntry[] {
    return this.files().filter((entry) => !entry.unreadable);
  }

  #addGroup(group: FileGroup): void {
    const [userId, groupId] = ownerOf(group.domain);
    const folder = group.relativePath === '' ? '' : `${group.relativePath}/`;
    const digits = Math.max(6, String(group.count - 1).length);
    const root = this.keyOf(group.domain, group.relativePath);
    this.#makeFolders(group.domain, `${folder}x`);
    for (let index = 0; index < group.count; index++) {
      // One hash for the group, then steps that do not repeat within 48 bits: a hash per file would take seconds.
      const key = (root + index * 0x1_0000_0001) % 0x1_0000_0000_0000;
      const birth = FIRST_DAY + (key % 50_000_000);
      const entry = makeEntry({
        domain: group.domain,
        path: `${folder}group-${String(index).padStart(digits, '0')}.bin`,
        kind: 'file',
        size: group.size,
        key,
        revision: 0,
        literal: undefined,
        mode: 0o100644,
        userId,
        groupId,
        birth,
        modified: birth + 1,
        statusChange: birth + 1,
        inode: this.#nextInode++,
        protectionClass: index % 2 ? 3 : 4,
        target: undefined,
        attributes: undefined,
        unreadable: false,
      });
      this.#entries.set(entry.name, entry);
    }
  }

  /** Rows for every folder from the domain's root ("") down. */
  #makeFolders(domain: string, path: string): void {
    for (let end = path.lastIndexOf('/'); ; end = path.lastIndexOf('/', end - 1)) {
      const folder = end < 0 ? '' : path.slice(0, end);
      if (this.#entries.has(`${domain}-${folder}`)) return;
      const key = this.keyOf(domain, folder);
      const [userId, groupId] = ownerOf(domain);
      const birth = FIRST_DAY + (key % 1_000_000);
      const entry = makeEntry({
        domain,
        path: folder,
        kind: 'directory',
        size: 0,
        key,
        revision: 0,
        literal: undefined,
        mode: 0o40755,
        userId,
        groupId,
        birth,
        modified: birth,
        statusChange: birth,
        inode: this.#nextInode++,
        protectionClass: 0,
        target: undefined,
        attributes: undefined,
        unreadable: false,
      });
      this.#entries.set(entry.name, entry);
      if (folder === '') return;
    }
  }

  /** The key of a new file of that name: 48 bits, different for each device and name. */
  keyOf(domain: string, path: string): number {
    const name = `${this.#seed}:${domain}-${path}`;
    let low = 0x811c9dc5;
    let high = 0x01000193;
    for (let index = 0; index < name.length; index++) {
      const unit = name.charCodeAt(index);
      low = Math.imul(low ^ unit, 0x01000193) >>> 0;
      high = Math.imul(high ^ unit ^ (low >>> 16), 0x85ebca6b) >>> 0;
    }
    return (high >>> 16) * 0x1_0000_0000 + low;
  }

  /** Now and then one beyond 2^53, as APFS has them. */
  #newInode(key: number): number | bigint {
    const inode = this.#nextInode++;
    return key % 16 === 5 ? (1n << 60n) + BigInt(inode) : inode;
  }
}

function attributesFor(key: number): Buffer {
  const value = Buffer.from(`made on ${key % 1000}`);
  return Buffer.from(encodeBinaryPlist(new Map([['com.apple.assetsd.creatorCode', value]])));
}
