import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { listBackups, quickVerify, verifyBackup } from '../../src/backups';
import { dict, encodeBinaryPlist } from '../../src/plist';
import { statusPlist, temporaryFolder, writeBackup } from '../support/backupFolders';
import { RealBackups } from '../support/realBackups';
import type { BenchLine } from './table';

const MB = 1e6;
const MANY = 1_300_000;

/** Checks of backups: every byte beside `sha256sum`, names and lengths of a phone with 1.3 million files, a long list. */
export async function benchVerify(scratch: string, rounds: number): Promise<BenchLine[]> {
  return [await fullCheck(scratch, rounds), await quickCheck(), await listing(scratch)];
}

async function fullCheck(scratch: string, rounds: number): Promise<BenchLine> {
  const folder = path.join(scratch, 'full');
  fs.mkdirSync(folder);
  const content = {
    files: [],
    groups: [
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 120, size: 3_000_000 },
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 3000, size: 6000 },
    ],
  };
  await using device = await RealBackups.start({}, { content });
  const { path: backup } = await device.make(folder);
  let [ours, theirs, bytes] = [Infinity, Infinity, 0];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const report = await verifyBackup({ path: backup, level: 'full' });
    ours = Math.min(ours, performance.now() - start);
    if (report.findings.length > 0) throw new Error('damage in a good backup');
    ({ bytes } = report);
    const peer = performance.now();
    execFileSync('sh', ['-c', `find "$1" -type f -print0 | xargs -0 sha256sum > /dev/null`, 'sh', backup]);
    theirs = Math.min(theirs, performance.now() - peer);
  }
  const rate = (ms: number) => `${(bytes / MB / (ms / 1000)).toFixed(0)} MB/s`;
  return { what: 'full check', ours: rate(ours), peer: rate(theirs), peerName: 'sha256sum', ratio: theirs / ours };
}

async function quickCheck(): Promise<BenchLine> {
  const scratch = temporaryFolder();
  try {
    const backup = path.join(scratch.path, 'backup');
    await writeMany(backup, MANY);
    const start = performance.now();
    const { files, findings } = await quickVerify(backup);
    const seconds = (performance.now() - start) / 1000;
    if (files !== MANY || findings.length > 0)
      throw new Error(`${files} files, ${JSON.stringify(findings.slice(0, 3))}`);
    const peer = performance.now();
    execFileSync('sh', ['-c', 'find "$1" -type f -printf "%s\\n" | wc -l', 'sh', backup]);
    const find = (performance.now() - peer) / 1000;
    const peak = process.resourceUsage().maxRSS / 1024;
    const what = `quick check of ${MANY.toLocaleString('en')} files (peak ${peak.toFixed(0)} MiB, with all before it)`;
    return { what, ours: `${seconds.toFixed(1)} s`, peer: `${find.toFixed(1)} s`, peerName: 'find -printf %s' };
  } finally {
    scratch.remove();
  }
}

/** Empty contents, and an index that python3's SQLite makes: nothing of ours has a hand in it. */
async function writeMany(backup: string, count: number): Promise<void> {
  fs.mkdirSync(backup);
  const script = `
import hashlib, os, plistlib, sqlite3, sys
folder, count = sys.argv[1], int(sys.argv[2])
U = plistlib.UID
record = plistlib.dumps({'$archiver': 'NSKeyedArchiver', '$version': 100000, '$top': {'root': U(1)}, '$objects': ['$null',
  {'$class': U(3), 'RelativePath': U(2), 'Mode': 0o100644, 'Size': 0, 'LastModified': 1700000000, 'LastStatusChange': 1700000000,
   'Birth': 1700000000, 'UserID': 501, 'GroupID': 501, 'InodeNumber': 1, 'ProtectionClass': 3, 'Flags': 0},
  'Library/file', {'$classname': 'MBFile', '$classes': ['MBFile', 'NSObject']}]}, fmt=plistlib.FMT_BINARY)
for shard in range(256): os.mkdir(f'{folder}/{shard:02x}')
db = sqlite3.connect(folder + '/Manifest.db')
db.executescript('PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)')
def rows():
  for number in range(count):
    path = f'Library/Caches/folder-{number // 1000}/file-{number}.bin'
    name = hashlib.sha1(('HomeDomain-' + path).encode()).hexdigest()
    os.close(os.open(f'{folder}/{name[:2]}/{name}', os.O_CREAT | os.O_WRONLY, 0o600))
    yield name, 'HomeDomain', path, 1, record
db.executemany('INSERT INTO Files VALUES (?,?,?,?,?)', rows())
db.commit()
`;
  execFileSync('/usr/bin/python3', ['-c', script, backup, String(count)], { stdio: ['ignore', 'inherit', 'inherit'] });
  const plist = dict({ Version: '10.0', IsEncrypted: false, Date: new Date(0), Lockdown: dict({}) });
  fs.writeFileSync(path.join(backup, 'Manifest.plist'), encodeBinaryPlist(plist));
  fs.writeFileSync(path.join(backup, 'Info.plist'), encodeBinaryPlist(dict({ 'Device Name': 'x' })));
  fs.writeFileSync(path.join(backup, 'Status.plist'), statusPlist());
}

async function listing(scratch: string): Promise<BenchLine> {
  const folder = path.join(scratch, 'list');
  fs.mkdirSync(folder);
  for (let number = 0; number < 200; number++) {
    const udid = createHash('sha1').update(String(number)).digest('hex');
    const backup = path.join(folder, udid);
    writeBackup(backup, { udid, date: new Date(1.7e12 + number * 1e7) });
    // As big as that of a phone with many apps.
    fs.appendFileSync(path.join(backup, 'Info.plist'), `<!-- ${'x'.repeat(5_000_000)} -->`);
  }
  const start = performance.now();
  const { backups } = await listBackups([{ path: folder, kind: 'own' }]);
  const ms = performance.now() - start;
  if (backups.length !== 200) throw new Error(`${backups.length} backups`);
  const peer = performance.now();
  execFileSync('sh', ['-c', 'cat "$1"/*/Status.plist "$1"/*/Manifest.plist > /dev/null', 'sh', folder]);
  return {
    what: 'listing 200 backups',
    ours: `${ms.toFixed(0)} ms`,
    peer: `${(performance.now() - peer).toFixed(0)} ms`,
    peerName: 'cat of two plists each',
    aim: { text: 'under 300 ms', reached: ms < 300 },
  };
}
