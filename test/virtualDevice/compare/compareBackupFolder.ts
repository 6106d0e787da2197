import { createDecipheriv, createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { isDict, parsePlist } from '../../../src/plist';
import { ENTRY_FLAGS, type ContentEntry } from '../content/contentEntry';
import { hasDigest } from '../content/domains';
import { fileIdOf } from '../content/fileId';
import type { DeviceState } from '../deviceState';
import {
  decryptManifestDatabase,
  parseManifestPlist,
  parseStatusPlist,
  unwrapClassKey,
  type ManifestPlist,
} from '../mobilebackup2/backupPlists';
import { backupsOf } from '../mobilebackup2/deviceBackups';
import { shown } from '../mobilebackup2/deviceLink';
import { decodeFileRecord, type FileRecord } from '../mobilebackup2/fileRecord';
import { openKeybag } from '../mobilebackup2/keybag';
import { readManifestRows, type ManifestRow } from '../mobilebackup2/manifestDatabase';
import type { Difference } from './difference';

const CHUNK = 512 * 1024;
const AT_ONCE = 8;
const HOST_FILES = new Set(['Info.plist']);
const DEVICE_FILES = new Set(['Status.plist', 'Manifest.plist', 'Manifest.db']);

/**
 * Compares a backup with the device as it is now: every row, every byte of every content, and nothing besides.
 * @param folder The backup itself: `<root>/<UDID>`.
 * @param password Of the backup, if it is not the device's present one.
 */
export async function compareBackupFolder(
  device: DeviceState,
  folder: string,
  password?: string,
): Promise<readonly Difference[]> {
  const comparison = new Comparison(device, folder);
  await comparison.run(password);
  return comparison.differences;
}

interface Expected {
  readonly entry: ContentEntry;
  readonly row: ManifestRow;
  readonly record: FileRecord;
}

class Comparison {
  readonly differences: Difference[] = [];
  readonly #device: DeviceState;
  readonly #folder: string;
  #classKeys: ReadonlyMap<number, Buffer> = new Map();
  #encrypted = false;

  constructor(device: DeviceState, folder: string) {
    this.#device = device;
    this.#folder = folder;
  }

  async run(password: string | undefined): Promise<void> {
    await this.#compareStatus();
    const manifest = await this.#readManifest(password);
    const rows = manifest && (await this.#readRows(manifest));
    if (!rows) return;
    const contents = this.#compareRows(rows);
    await this.#compareContents(contents);
    await this.#lookForMore(new Set(contents.map(({ row }) => row.fileId)));
  }

  #differs(what: string, how: string): void {
    this.differences.push({ what, how });
  }

  async #compareStatus(): Promise<void> {
    const bytes = await this.#readFile('Status.plist');
    if (!bytes) return;
    try {
      const status = parseStatusPlist(bytes);
      if (status.snapshotState !== 'finished')
        this.#differs('Status.plist', `SnapshotState is ${status.snapshotState}`);
      if (!backupsOf(this.#device).isOwnUuid(status.uuid))
        this.#differs('Status.plist', 'another device has written it');
    } catch (error) {
      this.#differs('Status.plist', String(error));
    }
    const info = await this.#readFile('Info.plist');
    if (!info) return;
    try {
      const value = parsePlist(info);
      const udid = isDict(value) ? value.get('Target Identifier') : undefined;
      if (udid !== this.#device.udid) this.#differs('Info.plist', `Target Identifier is ${shown(udid)}`);
    } catch (error) {
      this.#differs('Info.plist', String(error));
    }
  }

  async #readManifest(password: string | undefined): Promise<ManifestPlist | undefined> {
    const bytes = await this.#readFile('Manifest.plist');
    if (!bytes) return undefined;
    try {
      const manifest = parseManifestPlist(bytes);
      const keybag = await backupsOf(this.#device).keybag();
      this.#encrypted = manifest.encrypted;
      if (password === undefined && manifest.encrypted !== (keybag.password !== undefined)) {
        this.#differs('Manifest.plist', `IsEncrypted is ${manifest.encrypted}`);
      }
      const same = manifest.keybag.equals(keybag.bytes);
      const keys = same ? keybag.classKeys : await openKeybag(manifest.keybag, password ?? keybag.password ?? '');
      if (keys) this.#classKeys = keys;
      else this.#differs('Manifest.plist', 'the password does not open its keybag');
      if (manifest.udid !== this.#device.udid) this.#differs('Manifest.plist', `it is of the device ${manifest.udid}`);
      return keys && manifest;
    } catch (error) {
      this.#differs('Manifest.plist', String(error));
      return undefined;
    }
  }

  async #readRows(manifest: ManifestPlist): Promise<Map<string, ManifestRow> | undefined> {
    const stored = await this.#readFile('Manifest.db');
    if (!stored) return undefined;
    try {
      const rows = new Map<string, ManifestRow>();
      for (const row of readManifestRows(decryptManifestDatabase(stored, manifest, this.#classKeys))) {
        if (rows.has(row.fileId)) this.#differs('Manifest.db', `two rows ${row.fileId}`);
        rows.set(row.fileId, row);
      }
      return rows;
    } catch (error) {
      this.#differs('Manifest.db', String(error));
      return undefined;
    }
  }

  /** @returns what must be there as a file. */
  #compareRows(rows: Map<string, ManifestRow>): Expected[] {
    const contents: Expected[] = [];
    for (const entry of backupsOf(this.#device).content.entries()) {
      if (entry.unreadable) continue;
      const fileId = fileIdOf(entry.domain, entry.path);
      const row = rows.get(fileId);
      rows.delete(fileId);
      if (!row) {
        this.#differs(entry.name, 'no row in Manifest.db');
        continue;
      }
      if (row.domain !== entry.domain || row.relativePath !== entry.path || row.flags !== ENTRY_FLAGS[entry.kind]) {
        this.#differs(entry.name, `its row says ${row.domain}-${row.relativePath}, flags ${row.flags}`);
      }
      const record = decodeFileRecord(row.file);
      this.#compareRecord(entry, record);
      if (entry.kind === 'file') contents.push({ entry, row, record });
    }
    for (const row of rows.values()) this.#differs(`${row.domain}-${row.relativePath}`, 'a row, but not on the device');
    return contents;
  }

  #compareRecord(entry: ContentEntry, record: FileRecord): void {
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ['RelativePath', record.relativePath, entry.path],
      ['Size', record.size, entry.size],
      ['Mode', record.mode, entry.mode],
      ['LastModified', record.modified, entry.modified],
      ['LastStatusChange', record.statusChange, entry.statusChange],
      ['Birth', record.birth, entry.birth],
      ['UserID', record.userId, entry.userId],
      ['GroupID', record.groupId, entry.groupId],
      ['InodeNumber', record.inode, entry.inode],
      ['ProtectionClass', record.protectionClass, entry.protectionClass],
      ['Target', record.target, entry.target],
      ['ExtendedAttributes', record.extendedAttributes?.toString('hex'), entry.attributes?.toString('hex')],
      ['Digest', record.digest !== undefined, entry.kind === 'file' && hasDigest(entry.domain)],
      ['EncryptionKey', record.encryptionKey !== undefined, entry.kind === 'file' && this.#encrypted],
    ];
    for (const [name, found, wanted] of pairs) {
      if (found !== wanted) this.#differs(entry.name, `${name} is ${String(found)} instead of ${String(wanted)}`);
    }
  }

  async #compareContents(contents: readonly Expected[]): Promise<void> {
    let next = 0;
    const work = async () => {
      while (next < contents.length) await this.#compareContent(contents[next++] as Expected);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #compareContent({ entry, row, record }: Expected): Promise<void> {
    const name = `${row.fileId.slice(0, 2)}/${row.fileId}`;
    const key = record.encryptionKey && unwrapClassKey(record.encryptionKey, this.#classKeys);
    if (record.encryptionKey && !key) return this.#differs(entry.name, 'its EncryptionKey does not open');
    let file: fs.FileHandle;
    try {
      file = await fs.open(path.join(this.#folder, name), 'r');
    } catch (error) {
      return this.#differs(entry.name, `${name} cannot be opened: ${(error as NodeJS.ErrnoException).code ?? ''}`);
    }
    try {
      const { size } = await file.stat();
      const stored = key && entry.size > 0 ? (Math.floor(entry.size / 16) + 1) * 16 : entry.size;
      if (size !== stored) return this.#differs(entry.name, `${name} has ${size} bytes instead of ${stored}`);
      const hash = record.digest && createHash('sha1');
      const decipher = key && size > 0 ? createDecipheriv('aes-256-cbc', key, Buffer.alloc(16)) : undefined;
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size));
      const wanted = Buffer.allocUnsafe(Math.min(CHUNK, size) + 16);
      let at = 0;
      const differs = (plain: Buffer): boolean => {
        const part = wanted.subarray(0, plain.length);
        if (at + plain.length > entry.size) return true;
        entry.fill(at, part);
        at += plain.length;
        return !part.equals(plain);
      };
      for (let position = 0; position < size;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const bytes = buffer.subarray(0, bytesRead);
        hash?.update(bytes);
        if (differs(decipher ? decipher.update(bytes) : bytes)) {
          return this.#differs(entry.name, `${name} has other bytes before ${at}`);
        }
      }
      if (decipher && differs(decipher.final())) return this.#differs(entry.name, `${name} has other bytes at its end`);
      if (at !== entry.size) return this.#differs(entry.name, `${name} holds ${at} bytes instead of ${entry.size}`);
      if (hash && record.digest && !hash.digest().equals(record.digest)) this.#differs(entry.name, 'Digest is wrong');
    } catch (error) {
      this.#differs(entry.name, `${name}: ${String(error)}`);
    } finally {
      await file.close();
    }
  }

  /** Nothing may be there that no row knows. */
  async #lookForMore(known: ReadonlySet<string>): Promise<void> {
    for (const item of await fs.readdir(this.#folder, { withFileTypes: true })) {
      if (item.isFile() && (HOST_FILES.has(item.name) || DEVICE_FILES.has(item.name))) continue;
      if (!item.isDirectory() || !/^[0-9a-f]{2}$/.test(item.name)) {
        this.#differs(item.name, 'does not belong there');
        continue;
      }
      for (const blob of await fs.readdir(path.join(this.#folder, item.name), { withFileTypes: true })) {
        const belongs = blob.isFile() && blob.name.startsWith(item.name) && known.has(blob.name);
        if (!belongs) this.#differs(`${item.name}/${blob.name}`, 'does not belong there');
      }
    }
  }

  async #readFile(name: string): Promise<Buffer | undefined> {
    try {
      return await fs.readFile(path.join(this.#folder, name));
    } catch (error) {
      this.#differs(name, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      return undefined;
    }
  }
}
