import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dict, encodeBinaryPlist, encodeXmlPlist } from '../../src/plist';

export const UDID = '00008101-000A1B2C3D4E001E';

/** A new folder for one test; `remove()` ends it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  // In memory where the system offers it: flushing a busy disk says nothing about the code under test.
  const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(parent, 'ios-backup-store-')));
  return { path: folder, remove: () => fs.rmSync(folder, { recursive: true, force: true }) };
}

export interface BackupContents {
  readonly udid?: string;
  readonly date?: Date;
  readonly state?: string;
  readonly deviceName?: string;
  readonly encrypted?: boolean;
  /** File id (40 hex digits) → content. */
  readonly blobs?: Readonly<Record<string, string>>;
  /** Anything else. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** A file id that looks like a real one. */
export function blobId(seed: string): string {
  return createHash('sha1').update(seed).digest('hex');
}

export function statusPlist(date = new Date('2024-05-06T07:08:09Z'), state = 'finished'): Buffer {
  return Buffer.from(
    encodeBinaryPlist(
      dict({
        UUID: '11111111-2222-3333-4444-555555555555',
        Date: date,
        BackupState: 'new',
        SnapshotState: state,
        IsFullBackup: false,
        Version: '3.3',
      }),
    ),
  );
}

/** Writes a small backup folder as a device and a host leave it. The Manifest.db is not a database. */
export function writeBackup(folder: string, contents: BackupContents = {}): void {
  const {
    udid = UDID,
    date = new Date('2024-05-06T07:08:09Z'),
    state = 'finished',
    deviceName = 'Test iPhone',
  } = contents;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (file: string, bytes: string | Uint8Array) => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(folder, file), bytes, { mode: 0o600 });
  };
  const product = { ProductType: 'iPhone16,1', ProductVersion: '18.2.1', SerialNumber: 'F2LXXXXXXXXX' };
  write(
    'Info.plist',
    encodeXmlPlist(
      dict({
        'Device Name': deviceName,
        'Last Backup Date': date,
        'Product Type': product.ProductType,
        'Product Version': product.ProductVersion,
        'Serial Number': product.SerialNumber,
        'Target Identifier': udid,
        'Unique Identifier': udid.toUpperCase(),
      }),
    ),
  );
  write(
    'Manifest.plist',
    encodeBinaryPlist(
      dict({
        Version: '10.0',
        Date: date,
        IsEncrypted: contents.encrypted ?? false,
        BackupKeyBag: randomBytes(64),
        Lockdown: dict({ DeviceName: deviceName, UniqueDeviceID: udid, ...product }),
        Applications: dict({ 'com.example.app': dict({ CFBundleIdentifier: 'com.example.app' }) }),
      }),
    ),
  );
  write('Status.plist', statusPlist(date, state));
  write('Manifest.db', `SQLite format 3\0${date.toISOString()}`);
  for (const [id, content] of Object.entries(contents.blobs ?? {})) write(`${id.slice(0, 2)}/${id}`, content);
  for (const [file, content] of Object.entries(contents.files ?? {})) write(file, content);
}

/** Path → type and content of everything in a folder: equal trees are equal objects. */
export function readTree(folder: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (inside: string) => {
    for (const entry of fs.readdirSync(path.join(folder, inside), { withFileTypes: true })) {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory()) {
        tree[name] = 'folder';
        visit(name);
      } else if (entry.isFile()) {
        const content = fs.readFileSync(path.join(folder, name));
        tree[name] = `${content.length} ${createHash('sha256').update(content).digest('hex')}`;
      } else {
        tree[name] = entry.isSymbolicLink() ? `link to ${fs.readlinkSync(path.join(folder, name))}` : 'other';
      }
    }
  };
  visit('');
  return tree;
}
