import { createDecipheriv } from 'node:crypto';
import { delay } from '../../../src/base/abort';
import type { PlistDict } from '../../../src/plist';
import { ENTRY_FLAGS, type ContentEntry } from '../content/contentEntry';
import { hasDigest } from '../content/domains';
import {
  decryptManifestDatabase,
  encodeManifestPlist,
  encodeStatusPlist,
  parseManifestPlist,
  parseStatusPlist,
  type ManifestPlist,
  type SnapshotState,
  type StatusPlist,
} from './backupPlists';
import { FileKeys } from './fileKeys';
import { encodeFileRecord, type FileRecord } from './fileRecord';
import { booleanOption, HostFolder, optionsOf } from './hostFolder';
import type { InterruptedRun } from './deviceBackups';
import type { Keybag } from './keybag';
import { ManifestDatabaseWriter } from './manifestDatabase';
import { entryId, PreviousBackup } from './previousBackup';
import { seededSecret } from './seededSecret';
import { askPasscode, checkStored, refusal, throwIfCancelled, throwIfToFail, type Session } from './session';
import type { PageFile } from './sqlite/pageFile';
import { UploadStream } from './uploadStream';

const MIB = 1024 * 1024;
/** Must be free beyond what is uploaded. */
const RESERVE = 128 * MIB;
/** Asked for beyond what is missing. */
const PURGE_EXTRA = 2048 * MIB;
const ITEMS_PER_MESSAGE = 1000;

/** Percent that have been reached after each part. */
const AFTER = { start: 1, uploads: 80, manifests: 85, moves: 95, removals: 97, end: 100 } as const;

/** Serves a Backup request up to its Response. @throws Refusal, HostFault, HostLeft. */
export async function backUp(session: Session, request: PlistDict): Promise<void> {
  const { device, context } = session;
  const folder = HostFolder.of(request, device.udid, 'optional');
  const force = booleanOption(optionsOf(request), 'ForceFullBackup') ?? false;
  if (device.switches.backupForbidden) throw refusal(38);
  if (asksForBackup(session)) await askPasscode(session);
  if (device.locked && !context.escrow) throw refusal(208);
  if (!device.switches.setupDone) throw refusal(212);
  await new BackupRun(session, folder, await session.backups.keybag()).run(force);
}

function asksForBackup({ device }: Session): boolean {
  return device.isAtLeast('16.1') || (device.isAtLeast('15.7.1') && !device.isAtLeast('16'));
}

/** A file whose content goes to the host. */
interface Changed {
  readonly fileId: string;
  readonly entry: ContentEntry;
}

class BackupRun {
  readonly #session: Session;
  readonly #folder: HostFolder;
  readonly #keybag: Keybag;
  readonly #keys: FileKeys | undefined;
  readonly #uuid: string;
  readonly #date = new Date();
  readonly #writer = new ManifestDatabaseWriter();
  readonly #changed: Changed[] = [];
  #full = true;
  /** Folders of the host that may hold contents which no row knows. */
  #sweep: string[] = [];
  #status: Buffer = Buffer.alloc(0);
  #existing: ReadonlySet<string> = new Set();
  readonly #unreadable: ContentEntry[] = [];
  /** FileIDs of the contents in this backup; only kept when there is something to sweep. */
  readonly #known = new Set<string>();

  constructor(session: Session, folder: HostFolder, keybag: Keybag) {
    this.#session = session;
    this.#folder = folder;
    this.#keybag = keybag;
    this.#keys = keybag.password === undefined ? undefined : new FileKeys(session.device.description.seed, keybag);
    this.#uuid = session.backups.newUuid();
  }

  async run(force: boolean): Promise<void> {
    const { device } = this.#session;
    const folder = this.#folder;
    const { previous, resume } = await this.#lookAtHost(force);
    this.#full = previous === undefined;
    await this.#prepare();
    throwIfToFail(this.#session);
    const unchanged = this.#compare(previous);
    const { total, toUpload, resumed } = await this.#skipUploaded(resume);
    device.log(
      `${this.#full ? 'full' : 'incremental'} backup: ${toUpload.length} files to upload (${total} bytes), ` +
        `${unchanged} unchanged, ${resumed.length} uploaded before`,
    );
    await this.#checkSpace(total);
    await this.#makeFolders(toUpload);
    await this.#uploadStatus('uploading', AFTER.start);
    const run: InterruptedRun = {
      uuid: this.#uuid,
      keybag: this.#keybag,
      uploaded: resume?.uploaded ?? (new Map() as InterruptedRun['uploaded']),
    };
    this.#session.backups.interrupted = run;
    for (const { fileId, entry } of resumed) this.#addRow(fileId, entry, run.uploaded.get(fileId)?.digest);
    await this.#upload(toUpload, total, run);

    const database = this.#writer.finish();
    const manifestKey = this.#keys && seededSecret(device.description.seed, `manifest key ${this.#uuid}`, 32);
    const manifestPlist = encodeManifestPlist(device, {
      date: this.#date,
      keybag: this.#keybag.bytes,
      encrypted: this.#keys !== undefined,
      manifestKey: manifestKey && this.#keys?.wrap(4, manifestKey),
    });
    await this.#uploadManifests(manifestPlist, database, manifestKey);
    await this.#uploadStatus('moving', AFTER.manifests);
    await this.#move(this.#changed.map(({ fileId }) => fileId));
    await this.#uploadStatus('removing', AFTER.moves);
    await this.#remove(previous);
    await this.#uploadStatus('finished', AFTER.end);
    this.#session.backups.interrupted = undefined;

    await this.#verify(folder.status, this.#status);
    await this.#verify(folder.manifestPlist, manifestPlist);
    await this.#verifyDatabase(database, manifestKey);
    device.log(`backup finished: ${this.#writer.rows} rows`);
  }

  /** Finds out what the host holds, and puts what an interrupted run has left in order. */
  async #lookAtHost(
    force: boolean,
  ): Promise<{ previous: PreviousBackup | undefined; resume: InterruptedRun | undefined }> {
    const { files, backups, device } = this.#session;
    const folder = this.#folder;
    const statusBytes = await this.#read(folder.status, 103);
    let status: StatusPlist | undefined;
    if (statusBytes) {
      try {
        status = parseStatusPlist(statusBytes);
      } catch (error) {
        device.log(`Status.plist is unusable: ${String(error)}`);
        throw refusal(103);
      }
    }
    const listing = await files.list(folder.name);
    const shards = [...listing]
      .filter(([name, { type }]) => type === 'directory' && /^[0-9a-f]{2}$/.test(name))
      .map(([name]) => name);
    this.#existing = new Set(shards);
    const own = status !== undefined && backups.isOwnUuid(status.uuid);
    if (!status || !own || force) {
      if (status && !own) device.log('the backup there was not made by this device as it is now');
      if (listing.has('Snapshot')) await this.#removeSnapshot();
      this.#sweep = shards;
      return { previous: undefined, resume: undefined };
    }
    let resume: InterruptedRun | undefined;
    if (status.snapshotState === 'uploading') {
      const { interrupted } = backups;
      if (
        backups.behaviour.interrupted === 'resume' &&
        interrupted?.uuid === status.uuid &&
        interrupted.keybag === this.#keybag
      ) {
        resume = interrupted;
      } else if (listing.has('Snapshot')) {
        await this.#removeSnapshot();
      }
    } else if (status.snapshotState === 'moving' || status.snapshotState === 'removing') {
      device.log(`the last run was interrupted while ${status.snapshotState}`);
      if (status.snapshotState === 'moving') await this.#redoMoves();
      this.#sweep = shards;
      if (listing.has('Snapshot')) await this.#removeSnapshot();
    } else if (listing.has('Snapshot')) {
      await this.#removeSnapshot();
    }
    const previous = await this.#readPrevious();
    if (!previous) this.#sweep = shards;
    return { previous, resume };
  }

  /** Manifest.plist and Manifest.db; undefined when there is none that this run could build on. */
  async #readPrevious(): Promise<PreviousBackup | undefined> {
    const { device } = this.#session;
    const plistBytes = await this.#read(this.#folder.manifestPlist, 205);
    if (!plistBytes) return undefined;
    let manifest: ManifestPlist;
    try {
      manifest = parseManifestPlist(plistBytes);
    } catch (error) {
      device.log(`Manifest.plist is unusable: ${String(error)}`);
      throw refusal(205);
    }
    if (!manifest.keybag.equals(this.#keybag.bytes) || manifest.udid !== device.udid) {
      device.log('the password has changed since the last backup there');
      return undefined;
    }
    const stored = await this.#read(this.#folder.manifestDatabase, 205);
    if (!stored) return undefined;
    try {
      return new PreviousBackup(decryptManifestDatabase(stored, manifest, this.#keybag.classKeys));
    } catch (error) {
      device.log(`Manifest.db is unusable: ${String(error)}`);
      throw refusal(205, 'Error reading backup database');
    }
  }

  /** A whole file, undefined when the host has none. @throws Refusal `code` when it cannot give it. */
  async #read(path: string, code: number): Promise<Buffer | undefined> {
    throwIfCancelled(this.#session);
    const parts: Buffer[] = [];
    const failures = await this.#session.files.download([path], { data: (_path, bytes) => void parts.push(bytes) });
    const failure = failures.get(path);
    if (!failure) return Buffer.concat(parts);
    if (failure.code === -6) return undefined;
    this.#session.device.log(`${path} cannot be read on the host: ${failure.text} (${failure.code})`);
    throw refusal(code);
  }

  async #prepare(): Promise<void> {
    const { link, device } = this.#session;
    const { prepareMs } = device.switches;
    if (prepareMs > 0) await link.whileWaiting((signal) => delay(prepareMs, signal));
    throwIfCancelled(this.#session);
  }

  /** Writes the rows of all that stays as it is and collects the rest. @returns the number of unchanged files. */
  #compare(previous: PreviousBackup | undefined): number {
    let unchanged = 0;
    for (const entry of this.#session.backups.content.entries()) {
      if (entry.unreadable) {
        this.#unreadable.push(entry);
        continue;
      }
      const fileId = entryId(entry);
      const file = previous?.claim(fileId, entry);
      if (entry.kind === 'file' && this.#sweep.length > 0) this.#known.add(fileId);
      if (entry.kind === 'file' && !file) {
        this.#changed.push({ fileId, entry });
        continue;
      }
      if (entry.kind === 'file') unchanged++;
      this.#writer.add({
        fileId,
        domain: entry.domain,
        relativePath: entry.path,
        flags: ENTRY_FLAGS[entry.kind],
        file: file ?? encodeFileRecord(recordOf(entry)),
      });
    }
    return unchanged;
  }

  /** Files that an interrupted run has brought to the host and that have not changed since need not go again. */
  async #skipUploaded(
    resume: InterruptedRun | undefined,
  ): Promise<{ total: number; toUpload: readonly Changed[]; resumed: readonly Changed[] }> {
    const resumed: Changed[] = [];
    let toUpload = this.#changed;
    if (resume) {
      const sizes = new Map<string, number>();
      const shards = await this.#session.files.list(this.#folder.snapshot);
      for (const [shard, { type }] of shards) {
        if (type !== 'directory') continue;
        for (const [name, { size }] of await this.#session.files.list(this.#folder.staged(shard)))
          sizes.set(name, size);
      }
      toUpload = [];
      for (const changed of this.#changed) {
        const there = resume.uploaded.get(changed.fileId)?.entry === changed.entry;
        const whole = sizes.get(changed.fileId) === this.#storedSize(changed.entry);
        (there && whole ? resumed : toUpload).push(changed);
      }
    }
    const total = toUpload.reduce((sum, { entry }) => sum + this.#storedSize(entry), 0);
    return { total, toUpload, resumed };
  }

  #storedSize(entry: ContentEntry): number {
    return this.#keys && entry.size > 0 ? (Math.floor(entry.size / 16) + 1) * 16 : entry.size;
  }

  async #checkSpace(needed: number): Promise<void> {
    const { files, device, backups } = this.#session;
    const full = device.switches.hostDiskFull ?? false;
    let free = await files.freeSpace();
    if (!full && free > needed + RESERVE) return;
    if (backups.behaviour.purge) {
      const missing = needed + RESERVE - (full ? 0 : free) + PURGE_EXTRA;
      const code = await files.purge(missing);
      device.log(`asked the host to free ${missing} bytes: ${code}`);
      free = await files.freeSpace();
      if (!full && free > needed + RESERVE) return;
    }
    device.log(`the host has ${free} bytes free and needs ${needed + RESERVE}`);
    throw refusal(105);
  }

  async #makeFolders(toUpload: readonly Changed[]): Promise<void> {
    const { snapshot, name } = this.#folder;
    await this.#makeFolder(snapshot);
    const fileIds = [...toUpload.map(({ fileId }) => fileId), ...this.#unreadable.map(entryId)];
    const needed = new Set(fileIds.map((fileId) => fileId.slice(0, 2)));
    for (const shard of needed) await this.#makeFolder(`${snapshot}/${shard}`);
    for (let number = 0; number < 256; number++) {
      const shard = number.toString(16).padStart(2, '0');
      if (!this.#existing.has(shard)) await this.#makeFolder(`${name}/${shard}`);
    }
  }

  async #makeFolder(path: string): Promise<void> {
    throwIfCancelled(this.#session);
    checkStored(this.#session, `CreateDirectory ${path}`, await this.#session.files.createDirectory(path));
  }

  async #uploadStatus(state: SnapshotState, progress: number): Promise<void> {
    this.#status = encodeStatusPlist(this.#uuid, state, this.#full, this.#date);
    const upload = await this.#beginUpload(progress, this.#status.length);
    await upload.file('/var/tmp/Status.plist', this.#folder.status, bytesSource(this.#status));
    checkStored(this.#session, `upload of Status.plist (${state})`, await upload.finish());
  }

  async #upload(toUpload: readonly Changed[], total: number, run: InterruptedRun): Promise<void> {
    const { behaviour } = this.#session.backups;
    let sent = 0;
    let failed = 0;
    for (let at = 0; at < toUpload.length;) {
      const first = at;
      let bytes = 0;
      while (at < toUpload.length && at - first < behaviour.filesPerBatch && bytes < behaviour.bytesPerBatch) {
        bytes += this.#storedSize((toUpload[at++] as Changed).entry);
      }
      const batch = toUpload.slice(first, at);
      sent += bytes;
      const progress = AFTER.start + (AFTER.uploads - AFTER.start) * (total > 0 ? sent / total : 1);
      const unreadable = at === toUpload.length ? this.#unreadable : [];
      if (!(await this.#uploadBatch(batch, unreadable, progress, bytes, run))) failed++;
    }
    if (toUpload.length === 0 && this.#unreadable.length > 0) {
      if (!(await this.#uploadBatch([], this.#unreadable, AFTER.uploads, 0, run))) failed++;
    }
    if (failed > 0) throw refusal(104);
  }

  /** @returns false when the host could not store it. */
  async #uploadBatch(
    batch: readonly Changed[],
    unreadable: readonly ContentEntry[],
    progress: number,
    bytes: number,
    run: InterruptedRun,
  ): Promise<boolean> {
    const upload = await this.#beginUpload(progress, bytes);
    const keys = this.#keys?.forFiles(batch.map(({ entry }) => entry));
    const digests: (Buffer | undefined)[] = [];
    for (const [index, { fileId, entry }] of batch.entries()) {
      const options = { key: keys?.[index]?.key, digest: hasDigest(entry.domain) };
      digests.push(await upload.file(devicePath(entry), this.#folder.stagedBlob(fileId), entry, options));
    }
    for (const entry of unreadable) {
      this.#session.device.log(`cannot read ${entry.name}`);
      await upload.unreadable(devicePath(entry), this.#folder.stagedBlob(entryId(entry)), 'Input/output error (5)');
    }
    const status = await upload.finish();
    if (status.code === -15) checkStored(this.#session, 'upload', status);
    if (status.code !== 0) {
      this.#session.device.log(`upload fails on the host: ${status.text} (${status.code})`);
      return false;
    }
    for (const [index, { fileId, entry }] of batch.entries()) {
      run.uploaded.set(fileId, { entry, digest: digests[index] });
      this.#addRow(fileId, entry, digests[index], keys?.[index]?.wrapped);
    }
    return true;
  }

  #addRow(fileId: string, entry: ContentEntry, digest: Buffer | undefined, wrapped?: Buffer): void {
    const encryptionKey = this.#keys && (wrapped ?? this.#keys.forFiles([entry])[0]?.wrapped);
    this.#writer.add({
      fileId,
      domain: entry.domain,
      relativePath: entry.path,
      flags: ENTRY_FLAGS.file,
      file: encodeFileRecord(recordOf(entry, digest, encryptionKey)),
    });
  }

  async #uploadManifests(manifestPlist: Buffer, database: PageFile, manifestKey: Buffer | undefined): Promise<void> {
    const upload = await this.#beginUpload(AFTER.manifests, manifestPlist.length + database.length);
    const staged = (name: string) => this.#folder.staged(name);
    await upload.file('/var/tmp/Manifest.plist', staged('Manifest.plist'), bytesSource(manifestPlist));
    await upload.file('/var/tmp/Manifest.db', staged('Manifest.db'), database, { key: manifestKey });
    checkStored(this.#session, 'upload of the manifests', await upload.finish());
  }

  async #move(fileIds: readonly string[]): Promise<void> {
    const folder = this.#folder;
    for (let at = 0; at < fileIds.length; at += ITEMS_PER_MESSAGE) {
      const part = fileIds.slice(at, at + ITEMS_PER_MESSAGE);
      const progress = AFTER.manifests + (AFTER.moves - AFTER.manifests) * (at / fileIds.length);
      await this.#moveItems(new Map(part.map((id) => [folder.stagedBlob(id), folder.blob(id)])), progress);
    }
    await this.#moveItems(
      new Map([
        [folder.staged('Manifest.db'), folder.manifestDatabase],
        [folder.staged('Manifest.plist'), folder.manifestPlist],
      ]),
      AFTER.moves,
    );
  }

  async #moveItems(pairs: ReadonlyMap<string, string>, progress: number): Promise<void> {
    throwIfCancelled(this.#session);
    checkStored(this.#session, 'MoveItems', await this.#session.files.move(pairs, progress));
  }

  /** Carries out what is left of an interrupted run's moves. */
  async #redoMoves(): Promise<void> {
    const { files } = this.#session;
    const folder = this.#folder;
    const staged = await files.list(folder.snapshot);
    for (const [shard, { type }] of staged) {
      if (type !== 'directory') continue;
      const names = [...(await files.list(folder.staged(shard))).keys()];
      if (names.length > 0)
        await this.#moveItems(new Map(names.map((id) => [folder.stagedBlob(id), folder.blob(id)])), 0);
    }
    const manifests = ['Manifest.db', 'Manifest.plist'].filter((name) => staged.has(name));
    if (manifests.length > 0) {
      await this.#moveItems(new Map(manifests.map((name) => [folder.staged(name), `${folder.name}/${name}`])), 0);
    }
  }

  async #remove(previous: PreviousBackup | undefined): Promise<void> {
    const folder = this.#folder;
    const gone = new Set(previous?.removed.map((fileId) => folder.blob(fileId)));
    for (const shard of this.#sweep) {
      for (const name of (await this.#session.files.list(`${folder.name}/${shard}`)).keys()) {
        if (!this.#known.has(name)) gone.add(`${folder.name}/${shard}/${name}`);
      }
    }
    const paths = [...gone];
    for (let at = 0; at < paths.length; at += ITEMS_PER_MESSAGE) {
      throwIfCancelled(this.#session);
      const part = paths.slice(at, at + ITEMS_PER_MESSAGE);
      checkStored(this.#session, 'RemoveItems', await this.#session.files.remove(part, AFTER.removals));
    }
    await this.#removeSnapshot();
  }

  async #removeSnapshot(): Promise<void> {
    const status = await this.#session.files.remove([this.#folder.snapshot], AFTER.removals);
    checkStored(this.#session, 'RemoveItems Snapshot', status);
  }

  /** Reads a file back and compares it. @throws Refusal 205 when it differs. */
  async #verify(path: string, expected: Buffer): Promise<void> {
    const found = await this.#read(path, 205);
    if (found?.equals(expected)) return;
    this.#session.device.log(`${path} is not what was uploaded (${found?.length ?? 'no'} bytes)`);
    throw refusal(205);
  }

  async #verifyDatabase(database: PageFile, key: Buffer | undefined): Promise<void> {
    const path = this.#folder.manifestDatabase;
    const decipher = key && createDecipheriv('aes-256-cbc', key, Buffer.alloc(16));
    let at = 0;
    let same = true;
    const compare = (bytes: Buffer) => {
      same &&= database.matches(at, bytes);
      at += bytes.length;
    };
    const failures = await this.#session.files.download(
      [path],
      { data: (_path, bytes) => compare(decipher ? decipher.update(bytes) : bytes) },
      AFTER.end,
    );
    try {
      if (decipher) compare(decipher.final());
    } catch {
      same = false;
    }
    if (failures.size === 0 && same && at === database.length) return;
    this.#session.device.log(`${path} is not what was uploaded`);
    throw refusal(205, 'Error reading backup database');
  }

  #beginUpload(progress: number, total: number): Promise<UploadStream> {
    throwIfCancelled(this.#session);
    return UploadStream.begin(this.#session.link, progress, total);
  }
}

function recordOf(entry: ContentEntry, digest?: Buffer, encryptionKey?: Buffer): FileRecord {
  return {
    relativePath: entry.path,
    mode: entry.mode,
    size: entry.size,
    modified: entry.modified,
    statusChange: entry.statusChange,
    birth: entry.birth,
    userId: entry.userId,
    groupId: entry.groupId,
    inode: entry.inode,
    protectionClass: entry.protectionClass,
    flags: 0,
    target: entry.target,
    extendedAttributes: entry.attributes,
    digest,
    encryptionKey,
  };
}

function bytesSource(bytes: Buffer) {
  return { size: bytes.length, fill: (offset: number, target: Uint8Array) => void bytes.copy(target, 0, offset) };
}

/** Where the file lies on the device; of no use to the host. */
function devicePath(entry: ContentEntry): string {
  return `/.b/3/${entry.domain}/${entry.path}`;
}
