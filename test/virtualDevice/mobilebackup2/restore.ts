import { createDecipheriv, createHash, type Decipher, type Hash } from 'node:crypto';
import { asDict, getDict, parsePlist, type PlistDict } from '../../../src/plist';
import { ContentRecogniser } from '../content/contentRecogniser';
import type { EntryFields, EntryKind } from '../content/contentEntry';
import { isSetting, isSystemDomain } from '../content/domains';
import { fileIdOf } from '../content/fileId';
import { compareVersions } from '../deviceState';
import {
  decryptManifestDatabase,
  parseManifestPlist,
  parseStatusPlist,
  unwrapClassKey,
  type ManifestPlist,
} from './backupPlists';
import { decodeFileRecord, type FileRecord } from './fileRecord';
import { HostFault } from './hostFault';
import { booleanOption, HostFolder, optionsOf } from './hostFolder';
import type { DownloadSink } from './hostFiles';
import { openKeybag } from './keybag';
import { readManifestRows, type ManifestRow } from './manifestDatabase';
import { checkStored, refusal, throwIfCancelled, throwIfToFail, type Session } from './session';

const APPLICATIONS = '/iTunesRestore/RestoreApplications.plist';
const FILES_PER_MESSAGE = 300;
const BYTES_PER_MESSAGE = 32 * 1024 * 1024;

/** What a host may choose; absent is false, but for the restart. */
interface RestoreOptions {
  readonly systemFiles: boolean;
  readonly restart: boolean;
  readonly copyFirst: boolean;
  readonly preserveSettings: boolean;
  readonly removeOthers: boolean;
  readonly password: string | undefined;
}

/**
 * Serves a Restore request up to its Response.
 * @returns whether the device restarts afterwards.
 * @throws Refusal, HostFault, HostLeft. The device is then what it was before.
 */
export async function restore(session: Session, request: PlistDict): Promise<boolean> {
  const { device, backups, context } = session;
  const folder = HostFolder.of(request, device.udid, 'needed');
  const options = readOptions(optionsOf(request));
  if (device.switches.findMy) throw refusal(211);
  if (device.locked && !context.escrow) throw refusal(208);
  if (backups.restoredWithoutRestart) throw refusal(102);
  await new RestoreRun(session, folder, options).run();
  backups.beginNewLife();
  backups.restoredWithoutRestart = !options.restart;
  return options.restart;
}

function readOptions(options: PlistDict): RestoreOptions {
  const flag = (name: string) => booleanOption(options, name) ?? false;
  const password = options.get('Password');
  if (password !== undefined && typeof password !== 'string') throw new HostFault('option Password is no string');
  return {
    systemFiles: flag('RestoreSystemFiles'),
    restart: booleanOption(options, 'RestoreShouldReboot') ?? true,
    copyFirst: !flag('RestoreDontCopyBackup'),
    preserveSettings: flag('RestorePreserveSettings'),
    removeOthers: flag('RemoveItemsNotRestored'),
    password,
  };
}

interface Item {
  readonly row: ManifestRow;
  readonly record: FileRecord;
  readonly kind: EntryKind;
}

class RestoreRun {
  readonly #session: Session;
  readonly #folder: HostFolder;
  readonly #options: RestoreOptions;
  #classKeys: ReadonlyMap<number, Buffer> = new Map();
  readonly #restored: EntryFields[] = [];

  constructor(session: Session, folder: HostFolder, options: RestoreOptions) {
    this.#session = session;
    this.#folder = folder;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { device } = this.#session;
    const manifest = await this.#readManifest();
    await this.#checkApplications();
    throwIfToFail(this.#session);
    const items = await this.#readItems(manifest);
    this.#checkRoom(items);
    if (this.#options.copyFirst) await this.#copyBackup();
    await this.#download(items.filter(({ kind }) => kind === 'file'));
    for (const item of items) if (item.kind !== 'file') this.#take(item, { size: 0 });
    if (this.#options.copyFirst) await this.#session.files.remove(['/.b'], 99);
    throwIfCancelled(this.#session);
    this.#apply();
    if (!this.#options.preserveSettings && manifest.deviceName !== undefined) device.rename(manifest.deviceName);
    device.log(`restored ${items.length} items of ${this.#folder.name}`);
  }

  async #readManifest(): Promise<ManifestPlist> {
    const { device } = this.#session;
    const status = await this.#parsed(this.#folder.status, parseStatusPlist);
    if (status.snapshotState !== 'finished') {
      device.log(`SnapshotState is ${status.snapshotState}`);
      throw refusal(205);
    }
    const statusVersion = Number(status.version);
    if (!(statusVersion >= 2.4 && statusVersion < 4)) throw refusal(203);
    const manifest = await this.#parsed(this.#folder.manifestPlist, parseManifestPlist);
    const version = Number(manifest.version);
    if (!(version >= 7.4 && version < 11)) throw refusal(203);
    // Patch releases restore to each other.
    const short = (text: string) => text.split('.').slice(0, 2).join('.');
    if (compareVersions(short(manifest.productVersion), short(device.description.productVersion)) > 0)
      throw refusal(203);
    if (manifest.supervised !== device.switches.supervised) {
      throw refusal(1, 'The backup and this device differ in supervision');
    }
    if (manifest.encrypted) await this.#open(manifest);
    return manifest;
  }

  async #open(manifest: ManifestPlist): Promise<void> {
    const { password } = this.#options;
    if (password === undefined) throw refusal(207);
    let classKeys: ReadonlyMap<number, Buffer> | undefined;
    try {
      classKeys = await openKeybag(manifest.keybag, password);
    } catch (error) {
      this.#session.device.log(`the keybag is unusable: ${String(error)}`);
      throw refusal(205);
    }
    if (!classKeys) throw refusal(207);
    this.#classKeys = classKeys;
  }

  /** Info.plist lists the apps; a host that restores them has put that list on the device before. */
  async #checkApplications(): Promise<void> {
    const { device, files, backups } = this.#session;
    const bytes = await files.downloadWhole(`${this.#folder.name}/Info.plist`);
    if (!bytes) return;
    const apps = applicationsOf(bytes);
    const placed = device.media.fileContent(APPLICATIONS);
    backups.restoreApplications = undefined;
    if (placed) {
      try {
        backups.restoreApplications = [...asDict(parsePlist(placed), APPLICATIONS).keys()];
      } catch (error) {
        device.log(`${APPLICATIONS} is unusable: ${String(error)}`);
        throw refusal(1, 'Error reading RestoreApplications.plist');
      }
    } else if (apps.length > 0) {
      device.log(`there is no ${APPLICATIONS} although the backup has ${apps.length} apps`);
    }
  }

  async #readItems(manifest: ManifestPlist): Promise<Item[]> {
    const { device, files } = this.#session;
    const stored = await files.downloadWhole(this.#folder.manifestDatabase);
    if (!stored) throw refusal(205, 'Error reading backup database');
    try {
      const items: Item[] = [];
      for (const row of readManifestRows(decryptManifestDatabase(stored, manifest, this.#classKeys))) {
        if (fileIdOf(row.domain, row.relativePath) !== row.fileId) throw new Error(`${row.fileId} is a wrong name`);
        if (row.relativePath.split('/').includes('..')) throw new Error(`the path ${row.relativePath}`);
        const kind = row.flags & 1 ? 'file' : row.flags & 4 ? 'link' : 'directory';
        if (!this.#wanted(row)) continue;
        items.push({ row, record: decodeFileRecord(row.file), kind });
      }
      return items;
    } catch (error) {
      device.log(`Manifest.db is unusable: ${String(error)}`);
      throw refusal(205, 'Error reading backup database');
    }
  }

  #wanted({ domain, relativePath }: { readonly domain: string; readonly relativePath: string }): boolean {
    if (!this.#options.systemFiles && isSystemDomain(domain)) return false;
    return !(this.#options.preserveSettings && isSetting(domain, relativePath));
  }

  #checkRoom(items: readonly Item[]): void {
    const { free } = this.#session.device.description;
    const needed = items.reduce((sum, { record }) => sum + record.size, 0);
    if (needed > free) throw refusal(105, `Insufficient free disk space on device to restore (${free} < ${needed})`);
  }

  async #copyBackup(): Promise<void> {
    const { files } = this.#session;
    await files.freeSpace();
    checkStored(this.#session, 'CopyItem', await files.copy(this.#folder.name, `/.b/1/${this.#folder.name}`));
  }

  async #download(items: readonly Item[]): Promise<void> {
    let done = 0;
    for (let at = 0; at < items.length;) {
      const batch = new Map<string, Item>();
      let bytes = 0;
      while (at < items.length && batch.size < FILES_PER_MESSAGE && bytes < BYTES_PER_MESSAGE) {
        const item = items[at++] as Item;
        batch.set(this.#folder.blob(item.row.fileId), item);
        bytes += item.record.size;
      }
      done += batch.size;
      throwIfCancelled(this.#session);
      const sink = new BatchSink(batch, this.#classKeys, (item, content) => this.#take(item, content));
      const failures = await this.#session.files.download([...batch.keys()], sink, (done / items.length) * 95);
      const [missing] = failures;
      if (missing) this.#damaged(`${missing[0]}: ${missing[1].text}`);
      if (sink.problem !== undefined) this.#damaged(sink.problem);
    }
  }

  #damaged(what: string): never {
    this.#session.device.log(`the backup cannot be restored: ${what}`);
    throw refusal(205, 'Manifest references files not in backup');
  }

  #take({ row, record, kind }: Item, content: Pick<EntryFields, 'size'> & Partial<EntryFields>): void {
    this.#restored.push({
      domain: row.domain,
      path: row.relativePath,
      kind,
      key: this.#session.backups.content.keyOf(row.domain, row.relativePath),
      revision: 0,
      literal: undefined,
      mode: record.mode,
      userId: record.userId,
      groupId: record.groupId,
      birth: record.birth,
      modified: record.modified,
      statusChange: record.statusChange,
      inode: record.inode,
      protectionClass: record.protectionClass,
      target: record.target,
      // Copies: the whole Manifest.db would be kept in memory by views of it.
      attributes: record.extendedAttributes && Buffer.from(record.extendedAttributes),
      unreadable: false,
      ...content,
    });
  }

  /** All or nothing: until here the device has not changed. */
  #apply(): void {
    const { content } = this.#session.backups;
    if (this.#options.removeOthers) {
      const restored = new Set(this.#restored.map(({ domain, path }) => `${domain}-${path}`));
      for (const entry of [...content.entries()]) {
        const inScope = this.#wanted({ domain: entry.domain, relativePath: entry.path });
        if (inScope && !restored.has(entry.name)) content.removeEntry(entry);
      }
    }
    for (const fields of this.#restored) content.putEntry(fields);
  }

  /** @throws Refusal 205 when the file is missing or unusable. */
  async #parsed<T>(path: string, parse: (bytes: Buffer) => T): Promise<T> {
    throwIfCancelled(this.#session);
    const bytes = await this.#session.files.downloadWhole(path);
    try {
      if (!bytes) throw new Error('it is missing');
      return parse(bytes);
    } catch (error) {
      this.#session.device.log(`${path} is unusable: ${String(error)}`);
      throw refusal(205);
    }
  }
}

/** Takes the files of one message one after the other. Notes the first that is damaged and goes on taking. */
class BatchSink implements DownloadSink {
  problem: string | undefined;
  readonly #items: ReadonlyMap<string, Item>;
  readonly #classKeys: ReadonlyMap<number, Buffer>;
  readonly #done: (item: Item, content: Pick<EntryFields, 'size'> & Partial<EntryFields>) => void;
  #recogniser: ContentRecogniser | undefined;
  #decipher: Decipher | undefined;
  #hash: Hash | undefined;

  constructor(
    items: ReadonlyMap<string, Item>,
    classKeys: ReadonlyMap<number, Buffer>,
    done: (item: Item, content: Pick<EntryFields, 'size'> & Partial<EntryFields>) => void,
  ) {
    this.#items = items;
    this.#classKeys = classKeys;
    this.#done = done;
  }

  begin(path: string): void {
    const { record } = this.#item(path);
    this.#recogniser = new ContentRecogniser(record.size);
    this.#hash = record.digest && createHash('sha1');
    this.#decipher = undefined;
    if (!record.encryptionKey) return;
    const key = unwrapClassKey(record.encryptionKey, this.#classKeys);
    if (!key) this.problem ??= `the key of ${path} does not open`;
    else if (record.size > 0) this.#decipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16));
  }

  data(_path: string, bytes: Buffer): void {
    this.#hash?.update(bytes);
    this.#recogniser?.add(this.#decipher ? this.#decipher.update(bytes) : bytes);
  }

  end(path: string): void {
    const item = this.#item(path);
    const recogniser = this.#recogniser as ContentRecogniser;
    try {
      if (this.#decipher) recogniser.add(this.#decipher.final());
    } catch {
      this.problem ??= `the padding of ${path} is wrong`;
    }
    const { record } = item;
    if (this.#hash && record.digest && !this.#hash.digest().equals(record.digest)) {
      this.problem ??= `the digest of ${path} is wrong`;
    }
    if (recogniser.length !== record.size) {
      this.problem ??= `${path} has ${recogniser.length} bytes instead of ${record.size}`;
    }
    const found = recogniser.end();
    if (found.kind === 'generated') this.#done(item, { size: record.size, ...found.content });
    else this.#done(item, { size: found.bytes.length, literal: found.bytes });
  }

  #item(path: string): Item {
    return this.#items.get(path) as Item;
  }
}

function applicationsOf(info: Buffer): string[] {
  try {
    return [...getDict(asDict(parsePlist(info), 'Info.plist'), 'Applications').keys()];
  } catch {
    return [];
  }
}
