import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DecryptedSource, MemorySource } from '../../../src/backups/format/byteSource';
import { parseKeybag, unlockKeybag } from '../../../src/backups/format/keybag';
import { openManifest } from '../../../src/backups/format/openManifest';
import { parseManifestMbdb } from '../../../src/backups/format/manifestMbdb';
import { readManifestPlist } from '../../../src/backups/format/manifestPlist';
import { WalSource } from '../../../src/backups/format/walSource';
import { FolderNames, safeName } from '../../../src/backups/reader/safeNames';
import { hostPath, splitDevicePath } from '../../../src/backups/store/pathInside';
import { isAppError } from '../../../src/base/errors';
import type { Random } from '../../faults/random';
import { UDID } from '../../support/backupFolders';
import { hex, vectors } from '../../support/backupVectors';
import { HOSTILE_PATHS } from '../../support/hostilePaths';
import { bytesTarget, isAllowed, type FuzzTarget } from '../fuzz';
import { hostileBytes } from '../mutation';

const keybag = hex(vectors.keybag.blob);
const plistOf = (name: 'Info' | 'Manifest' | 'Status') => Buffer.from(vectors.plists[`${name}.plist base64`], 'base64');

/** A folder for the parsers that read files; removed with the process. */
let scratch: string | undefined;
function folder(): string {
  if (scratch !== undefined) return scratch;
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'fuzz-'));
  process.on('exit', () => fs.rmSync(made, { recursive: true, force: true }));
  return (scratch = made);
}

function plainDatabase(): Buffer {
  const stored = new MemorySource(Buffer.from(vectors.manifestDb.storedBase64, 'base64'));
  const source = new DecryptedSource(stored, hex(vectors.manifestKey.key));
  const bytes = Buffer.alloc(source.size);
  source.read(bytes, 0);
  return bytes;
}

export const backupTargets: readonly FuzzTarget[] = [
  bytesTarget({
    name: 'keybag',
    what: 'keybags',
    samples: [keybag],
    parse(bytes) {
      const parsed = parseKeybag(bytes);
      assert.ok(parsed.derivation.rounds <= 100_000_000 && (parsed.derivation.first?.rounds ?? 0) <= 100_000_000);
      try {
        unlockKeybag(parsed, Buffer.alloc(32)).clear();
      } catch (error) {
        if (!isAppError(error, 'wrongPassword')) throw error;
      }
    },
    allowed: ['keybagDamaged'],
  }),
  bytesTarget({
    name: 'mbdb',
    what: 'Manifest.mbdb',
    samples: [hex(vectors.mbdb.file)],
    parse(bytes) {
      const { files, damagedAt } = parseManifestMbdb(bytes);
      assert.ok(damagedAt === undefined || damagedAt < bytes.length);
      for (const file of files) assert.match(file.fileID, /^[0-9a-f]{40}$/);
    },
    allowed: ['backupDamaged'],
  }),
  bytesTarget({
    name: 'manifestDb',
    what: 'Manifest.db as a file',
    short: 200,
    samples: () => [plainDatabase()],
    async parse(bytes) {
      fs.writeFileSync(path.join(folder(), 'Manifest.db'), bytes);
      const manifest = await openManifest(folder(), { encrypted: false });
      try {
        for (const entry of some(manifest.entries())) if (entry.ok) assert.match(entry.file.fileID, /^[0-9a-f]{40}$/);
        for (const entry of some(manifest.contents())) if (entry.ok) entry.names();
        manifest.domains();
        for (const name of manifest.matchNames(['hello'])) if (name) assert.equal(typeof name.fileID, 'string');
      } finally {
        manifest.close();
      }
    },
    allowed: ['backupDamaged', 'notABackup'],
  }),
  bytesTarget({
    name: 'walLog',
    what: 'write-ahead logs of databases',
    short: 600,
    samples: () => [walLog()],
    parse(bytes) {
      const source = new WalSource(new MemorySource(Buffer.alloc(1024)), new MemorySource(bytes));
      const target = Buffer.alloc(4096);
      assert.ok(source.read(target, 0) <= target.length);
      assert.equal(source.read(target, source.size), 0);
      assert.ok(source.pages * 512 <= bytes.length + 512);
    },
    allowed: [],
  }),
  bytesTarget({
    name: 'manifestPlist',
    what: 'Manifest.plist as a file',
    short: 600,
    samples: [plistOf('Manifest')],
    async parse(bytes) {
      fs.writeFileSync(path.join(folder(), 'Manifest.plist'), bytes);
      assert.equal(typeof (await readManifestPlist(folder())).encrypted, 'boolean');
    },
    allowed: ['backupDamaged'],
  }),
  {
    name: 'devicePaths',
    what: 'paths that a device sends, for the disks of three systems',
    short: 2_500,
    sound() {
      assert.deepEqual(splitDevicePath(`/${UDID}/ab/file`, UDID), [UDID, 'ab', 'file']);
    },
    execute(random) {
      const devicePath = hostileBytes(random, PATHS).toString(random.below(2) === 0 ? 'utf8' : 'latin1');
      const platform = random.pick(['linux', 'darwin', 'win32'] as const);
      const rules = platform === 'win32' ? path.win32 : path.posix;
      const root = platform === 'win32' ? 'C:\\backups\\.x.partial' : '/backups/.x.partial';
      let parts;
      let place;
      try {
        parts = splitDevicePath(devicePath, UDID, platform);
        place = hostPath(root, parts, platform);
      } catch (error) {
        if (!isAllowed(error, ['unsafePath', 'nameNotPossible'])) throw error;
        return false;
      }
      // What the system makes of it lies where it must, and has the names that were asked for.
      const inside = rules.relative(root, place.replace(/^\\\\\?\\/, ''));
      assert.deepEqual(inside === '' ? [] : inside.split(rules.sep), parts);
      assert.ok(parts.length === 0 || parts[0] === UDID || parts[0] === '.b');
      return true;
    },
  },
  {
    name: 'extractedNames',
    what: 'names of files that are extracted',
    short: 2_500,
    sound() {
      assert.equal(safeName('IMG_0001.JPG', { windows: true, foldsNames: true }), 'IMG_0001.JPG');
    },
    execute(random) {
      const rules = { windows: random.below(2) === 0, foldsNames: random.below(2) === 0 };
      const names = new FolderNames(rules);
      const given = Array.from({ length: 3 }, () => names.give(nameOf(random)));
      const system = rules.windows ? path.win32 : path.posix;
      for (const name of given) {
        assert.equal(system.normalize(system.join('/root', name)), system.join('/root', name));
        assert.equal(system.basename(name), name);
        assert.ok(name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
        assert.ok(Buffer.byteLength(name) <= 255);
      }
      assert.equal(new Set(given).size, given.length);
      return true;
    },
  },
];

/** A hostile index can have rows without end. */
function* some<T>(rows: Iterable<T>): Generator<T> {
  let left = 5_000;
  for (const row of rows) {
    if (left-- === 0) return;
    yield row;
  }
}

const PATHS = [
  ...HOSTILE_PATHS.map(({ path }) => Buffer.from(path)),
  Buffer.from(`${UDID}/ab/${'ab'.repeat(20)}`),
  Buffer.from(`/.b/6/${UDID}/Manifest.db`),
];

function nameOf(random: Random): string {
  const text = hostileBytes(random, PATHS).toString(random.below(2) === 0 ? 'utf8' : 'utf16le');
  return random.below(2) === 0 ? text : (text.split('/').at(-1) ?? '');
}

/** A log with three frames, two of them committed, as SQLite writes it. */
function walLog(): Buffer {
  const pageSize = 512;
  let [a, b] = [0, 0];
  const add = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += 8) {
      a = (a + bytes.readUInt32LE(at) + b) >>> 0;
      b = (b + bytes.readUInt32LE(at + 4) + a) >>> 0;
    }
  };
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
    return bytes;
  };
  const header = words(0x377f0682, 3007000, pageSize, 0, 11, 22);
  add(header);
  const parts = [header, words(a, b)];
  for (const [page, commit] of [
    [2, 0],
    [1, 3],
    [3, 3],
  ] as const) {
    const head = words(page, commit);
    const content = Buffer.alloc(pageSize, page);
    add(head);
    add(content);
    parts.push(head, words(11, 22), words(a, b), content);
  }
  return Buffer.concat(parts);
}
