import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { decodeFileRecord, encodeFileRecord, type FileRecord } from '../../virtualDevice/mobilebackup2/fileRecord';
import {
  ManifestDatabaseWriter,
  readManifestRows,
  type ManifestRow,
} from '../../virtualDevice/mobilebackup2/manifestDatabase';
import {
  decryptManifestDatabase,
  parseManifestPlist,
  unwrapClassKey,
} from '../../virtualDevice/mobilebackup2/backupPlists';
import { openKeybag } from '../../virtualDevice/mobilebackup2/keybag';
import { hex, vectors } from '../../support/backupVectors';
import { fileIdOf } from '../../virtualDevice/content/fileId';

const record: FileRecord = {
  relativePath: 'Library/SMS/sms.db',
  mode: 0o100644,
  size: 5_000_000_000,
  modified: 1_700_000_000,
  statusChange: 1_700_000_001,
  birth: 0,
  userId: 501,
  groupId: -2,
  inode: (1n << 60n) + 7n,
  protectionClass: 3,
  flags: 0,
};

describe('file records', () => {
  const key = Buffer.alloc(44, 7);
  const digest = Buffer.alloc(20, 8);
  const extendedAttributes = Buffer.alloc(300, 9);
  const variants: FileRecord[] = [
    record,
    { ...record, encryptionKey: key },
    { ...record, digest },
    { ...record, encryptionKey: key, digest, extendedAttributes },
    { ...record, relativePath: '', mode: 0o40755, size: 0 },
    { ...record, relativePath: 'Ünïcødé 😀/' + 'x'.repeat(900), target: '/var/😀' },
  ];

  it('are read back as they were written', () => {
    for (const variant of variants) {
      const decoded = decodeFileRecord(Buffer.from(encodeFileRecord(variant)));
      for (const [name, value] of Object.entries(variant)) {
        assert.deepEqual(decoded[name as keyof FileRecord], value, name);
      }
    }
  });

  it('are keyed archives of class MBFile to other readers', () => {
    const bytes = variants.map((variant) => encodeFileRecord(variant).toString('base64'));
    const seen = python(
      `
import base64, json, plistlib, sys
out = []
for text in json.load(sys.stdin):
    archive = plistlib.loads(base64.b64decode(text))
    objects = archive['$objects']
    file = objects[archive['$top']['root'].data]
    assert archive['$archiver'] == 'NSKeyedArchiver' and archive['$version'] == 100000
    assert objects[file['$class'].data]['$classes'] == ['MBFile', 'NSObject']
    def value(key):
        v = objects[file[key].data] if key in file else None
        if isinstance(v, dict):
            assert objects[v['$class'].data]['$classname'] == 'NSMutableData'
            v = v['NS.data']
        return v.hex() if isinstance(v, bytes) else v
    out.append([value('RelativePath'), file['Size'], file['GroupID'], str(file['InodeNumber']), file['Mode'],
                value('EncryptionKey'), value('Digest'), value('ExtendedAttributes'), value('Target')])
print(json.dumps(out))
`,
      JSON.stringify(bytes),
    );
    const text = (data: Buffer | undefined) => data?.toString('hex') ?? null;
    assert.deepEqual(
      JSON.parse(seen),
      variants.map((v) => [
        v.relativePath,
        v.size,
        v.groupId,
        String(v.inode),
        v.mode,
        text(v.encryptionKey),
        text(v.digest),
        text(v.extendedAttributes),
        v.target ?? null,
      ]),
    );
  });
});

describe('what others have written', () => {
  it('gives the records of the published backup', () => {
    for (const file of vectors.files) {
      const found = decodeFileRecord(hex(file.mbfile));
      assert.equal(found.relativePath, file.relativePath);
      assert.equal(found.size, file.size);
      assert.equal(found.protectionClass, file.protectionClass);
      assert.equal(found.encryptionKey?.toString('hex'), file.EncryptionKey);
      assert.equal(found.digest?.toString('hex') ?? null, file.Digest);
    }
    assert.equal(decodeFileRecord(hex(vectors.symlink.mbfile)).target, vectors.symlink.Target);
  });

  it('gives the rows of a database that SQLite has written', async () => {
    const manifest = parseManifestPlist(Buffer.from(vectors.plists['Manifest.plist base64'], 'base64'));
    const classKeys = await openKeybag(manifest.keybag, 'test1234');
    assert.ok(classKeys);
    const stored = Buffer.from(vectors.manifestDb.storedBase64, 'base64');
    const rows = [...readManifestRows(decryptManifestDatabase(stored, manifest, classKeys))];
    for (const file of vectors.files) {
      const row = rows.find(({ fileId }) => fileId === file.fileID);
      assert.equal(row?.relativePath, file.relativePath);
      assert.equal(row?.file.toString('hex'), file.mbfile);
      const key = unwrapClassKey(hex(file.EncryptionKey), classKeys);
      assert.equal(key?.toString('hex'), file.fileKey);
    }
  });
});

describe('ManifestDatabaseWriter', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'manifest-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const count of [0, 1, 2, 5, 40, 130, 131, 5000, 12_000]) {
    it(`writes ${count} rows that SQLite finds sound and equal`, () => {
      const rows = makeRows(count);
      const writer = new ManifestDatabaseWriter();
      for (const row of rows) writer.add(row);
      const database = Buffer.concat([...writer.finish().pieces()]);
      const file = path.join(folder, 'Manifest.db');
      writeFileSync(file, database);
      assert.deepEqual([...readManifestRows(database)], rows);
      const seen = JSON.parse(
        python(
          `
import hashlib, json, sqlite3, sys
db = sqlite3.connect('file:' + sys.argv[1] + '?immutable=1', uri=True)
one = lambda sql: db.execute(sql).fetchone()[0]
total = hashlib.sha1()
for row in db.execute('SELECT fileID, domain, relativePath, flags, file FROM Files ORDER BY rowid'):
    for v in row[:4]: total.update(str(v).encode())
    total.update(row[4])
paths = hashlib.sha1()
for (p,) in db.execute('SELECT relativePath FROM Files INDEXED BY FilesRelativePathIdx ORDER BY relativePath'): paths.update(p.encode())
print(json.dumps({
  'check': [r[0] for r in db.execute('PRAGMA integrity_check(5)')], 'version': one('PRAGMA user_version'),
  'vacuum': one('PRAGMA auto_vacuum'), 'page': one('PRAGMA page_size'), 'files': one('SELECT COUNT(*) FROM Files'),
  'properties': one('SELECT COUNT(*) FROM Properties'), 'rows': total.hexdigest(), 'paths': paths.hexdigest(),
  'indexes': sorted(r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='index'")),
}))
`,
          '',
          file,
        ),
      ) as Record<string, unknown>;
      assert.deepEqual(seen['check'], ['ok']);
      assert.equal(seen['version'], 2);
      assert.equal(seen['vacuum'], 1);
      assert.equal(seen['page'], 4096);
      assert.equal(seen['files'], count);
      assert.equal(seen['properties'], 0);
      assert.equal(
        seen['rows'],
        digestOf(rows.map((row) => [row.fileId, row.domain, row.relativePath, row.flags, row.file])),
      );
      const sorted = rows.map((row) => Buffer.from(row.relativePath)).sort((a, b) => a.compare(b));
      assert.equal(seen['paths'], digestOf(sorted.map((bytes) => [bytes])));
      assert.equal((seen['indexes'] as string[]).length, 5);
      assert.deepEqual([database[18], database[19]], [2, 2]);
    });
  }
});

/** Rows of all sizes: some need overflow pages in the table, some in the index over paths. */
function makeRows(count: number): ManifestRow[] {
  return Array.from({ length: count }, (_, index) => {
    const domain = ['HomeDomain', 'AppDomain-com.example.😀', 'CameraRollDomain', 'AppDomain-com.example.ﬀ'][
      index % 4
    ] as string;
    const long = index % 41 === 5 ? 'long/'.repeat(220) : index % 57 === 3 ? '長'.repeat(1500) : '';
    const relativePath = `${index % 3 ? 'Media/ﬀ' : 'Media/😀'}/${long}${(index * 7919) % 10_007}-${index}`;
    const extendedAttributes = index % 97 === 11 ? Buffer.alloc(index * 3, index) : undefined;
    return {
      fileId: fileIdOf(domain, relativePath),
      domain,
      relativePath,
      flags: index % 5 === 0 ? 2 : index % 7 === 0 ? 4 : 1,
      file: Buffer.from(encodeFileRecord({ ...record, relativePath, extendedAttributes })),
    };
  });
}

function digestOf(rows: readonly (readonly (string | number | Buffer)[])[]): string {
  const hash = createHash('sha1');
  for (const row of rows) for (const value of row) hash.update(typeof value === 'number' ? String(value) : value);
  return hash.digest('hex');
}

function python(script: string, input: string, ...args: string[]): string {
  return execFileSync('/usr/bin/python3', ['-c', script, ...args], { input, encoding: 'utf8', maxBuffer: 64 << 20 });
}
