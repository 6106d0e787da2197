import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { repairBackup } from '../../../src/backups';
import { readReport } from '../../../src/backups/verify/savedReports';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import { readTree, temporaryFolder } from '../../support/backupFolders';
import { RealBackups, variedContent } from '../../support/realBackups';

const password = 'correct horse';

describe('verifyBackup()', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let device: RealBackups;
  let state: string;

  beforeEach(() => {
    folder = temporaryFolder();
    state = path.join(folder.path, 'state');
  });
  afterEach(async () => {
    await device[Symbol.asyncDispose]();
    folder.remove();
  });

  const backups = () => path.join(folder.path, 'backups');
  async function start(backupPassword?: string): Promise<string> {
    device = await RealBackups.start(backupPassword === undefined ? {} : { backupPassword });
    fs.mkdirSync(backups(), { recursive: true });
    return (await device.make(backups())).path;
  }
  const filesOf = (backup: string) =>
    (fs.readdirSync(backup, { recursive: true }) as string[]).filter((name) =>
      fs.statSync(path.join(backup, name)).isFile(),
    );
  /** Like a failing disk: the same file, other bytes. */
  function rot(backup: string, file: string): void {
    const place = path.join(backup, file);
    const { atime, mtime } = fs.statSync(place);
    const bytes = fs.readFileSync(place);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const own = fs.readFileSync(place);
    fs.rmSync(place);
    fs.writeFileSync(place, bytes);
    fs.utimesSync(place, atime, mtime);
    assert.notDeepEqual(own, bytes);
  }
  const blobOf = (backup: string, size: number) =>
    filesOf(backup).find((name) => name.includes('/') && fs.statSync(path.join(backup, name)).size === size) ?? '';

  it('changes nothing in the backup or beside it', async () => {
    const backup = await start(password);
    const before = readTree(backups());
    for (const level of ['quick', 'full'] as const)
      await verifyBackup({ path: backup, level, password, stateFolder: state });
    assert.deepEqual(readTree(backups()), before);
    assert.equal(readReport(state, backup)?.level, 'full');
  });

  for (const what of ['plain', 'encrypted'] as const) {
    it(`names the app that lost a file, of a backup that is ${what}`, async () => {
      const secret = what === 'plain' ? {} : { password };
      const backup = await start(secret.password);
      rot(backup, blobOf(backup, what === 'plain' ? 40_000 : 40_016));
      const report = await verifyBackup({ path: backup, level: 'full', ...secret });
      assert.equal(report.damages, 1);
      const [finding] = report.findings;
      assert.equal(finding?.kind, 'wrongHash');
      assert.equal(finding.owner, 'Camera Roll');
      assert.match(finding.relativePath ?? '', /^Media\/DCIM\/100APPLE\//);
    });

    it(`finds what it can without a list of hashes, of a backup that is ${what}`, async () => {
      const secret = what === 'plain' ? {} : { password };
      const backup = await start(secret.password);
      fs.rmSync(path.join(backups(), '.ios-backup'), { recursive: true });
      const clean = await verifyBackup({ path: backup, level: 'full', ...secret });
      assert.equal(clean.damages, 0, JSON.stringify(clean.findings));
      assert.equal(clean.hashesKnown, false);
      assert.match(clean.notChecked.join(), /no hash of them is known/);
      // With a digest of the device's own: HomeDomain. Without one: only its form tells.
      const digested = blobOf(backup, what === 'plain' ? 4_321 : 4_336);
      rot(backup, digested);
      const report = await verifyBackup({ path: backup, level: 'full', ...secret });
      assert.deepEqual(
        report.findings.filter(({ severity }) => severity === 'damage').map(({ file, kind }) => [file, kind]),
        [[digested, 'wrongHash']],
      );
    });
  }

  it('finds a torn database and a cut property list of an app by their form alone', async () => {
    const backup = await start();
    fs.rmSync(path.join(backups(), '.ios-backup'), { recursive: true });
    const report = async () => (await verifyBackup({ path: backup, level: 'full' })).findings;
    const [database] = await findByName(backup, 'Documents/notes.sqlite');
    const bytes = fs.readFileSync(path.join(backup, database ?? ''));
    assert.ok(bytes.length > 16_384);
    // The second page: pages have 8,192 bytes here.
    bytes.fill(0xff, 8192, 8300);
    fs.rmSync(path.join(backup, database ?? ''));
    fs.writeFileSync(path.join(backup, database ?? ''), bytes);
    assert.deepEqual(
      (await report()).map(({ kind, owner }) => [kind, owner]),
      [['database', 'Apps/Field Notes']],
    );
  });

  it('goes on where it was stopped, and looks again at what has changed', async () => {
    const backup = await start();
    const abort = new AbortController();
    let stopped = 0;
    const running = verifyBackup({
      path: backup,
      level: 'full',
      stateFolder: state,
      signal: abort.signal,
      onProgress: ({ files }) => {
        if (files > 20) abort.abort();
        stopped = files;
      },
    });
    await assert.rejects(running, { code: 'cancelled' });
    assert.ok(stopped > 20);
    const [progress] = fs.readdirSync(path.join(state, 'checks'));
    assert.match(progress ?? '', /progress\.json$/);
    const done = JSON.parse(fs.readFileSync(path.join(state, 'checks', progress ?? ''), 'utf8')) as {
      readonly folders: Readonly<Record<string, unknown>>;
    };
    const checked =
      Object.keys(done.folders).find((name) => filesOf(backup).some((file) => file.startsWith(`${name}/`))) ?? '';
    const victim = filesOf(backup).find((name) => name.startsWith(`${checked}/`)) ?? `no file in ${checked}`;
    // A write, unlike rot, can be seen from outside.
    const bytes = fs.readFileSync(path.join(backup, victim));
    fs.rmSync(path.join(backup, victim));
    fs.writeFileSync(path.join(backup, victim), Buffer.from(bytes.map((byte) => byte ^ 1)));
    const report = await verifyBackup({ path: backup, level: 'full', stateFolder: state });
    assert.deepEqual(
      report.findings.map(({ file }) => file),
      [victim],
    );
    assert.deepEqual(
      fs.readdirSync(path.join(state, 'checks')).filter((name) => name.includes('progress')),
      [],
    );
  });

  it('says which version has the file whole, and repairs the present one without writing into any', async () => {
    await start();
    await device.change(3, 1);
    const { path: backup, version = '' } = await device.make(backups());
    // One that both share by link is lost in both; one that only one has is whole in neither; so damage a copy's own.
    const shared = blobOf(backup, 40_000);
    const copy = fs.readFileSync(path.join(backup, shared));
    fs.rmSync(path.join(backup, shared));
    const rotten = Buffer.from(copy);
    rotten[7] = (rotten[7] ?? 0) ^ 1;
    fs.writeFileSync(path.join(backup, shared), rotten);
    fs.rmSync(path.join(backup, 'Info.plist'));
    const report = await verifyBackup({ path: backup, level: 'full', stateFolder: state });
    assert.deepEqual(
      report.findings
        .map(({ file, alsoIn }) => [file, alsoIn?.includes('.ios-backup') ? 'second copy' : alsoIn])
        .sort(),
      [
        ['Info.plist', 'second copy'],
        [shared, version],
      ].sort(),
    );
    const before = readTree(version);
    const damaged = readTree(backup);
    const result = await repairBackup({ report });
    assert.deepEqual([result.repaired, result.left], [2, 0]);
    assert.deepEqual(readTree(version), before);
    assert.deepEqual(readTree(result.version ?? ''), damaged);
    const after = await verifyBackup({ path: backup, level: 'full' });
    assert.deepEqual(after.findings, []);
    assert.deepEqual(fs.readFileSync(path.join(backup, shared)), copy);
  });

  for (const secret of [undefined, password]) {
    it(`brings the lists of the only backup back from their second copies, ${secret ? 'encrypted' : 'plain'}`, async () => {
      const backup = await start(secret);
      const secretly = secret === undefined ? {} : { password: secret };
      const lists = ['Manifest.db', 'Status.plist', 'Info.plist'];
      const before = new Map(lists.map((name) => [name, fs.readFileSync(path.join(backup, name))]));
      for (const name of lists) fs.rmSync(path.join(backup, name));
      const report = await verifyBackup({ path: backup, level: 'full', ...secretly });
      assert.deepEqual(
        report.findings
          .filter(({ alsoIn }) => alsoIn?.includes('.ios-backup'))
          .map(({ file }) => file)
          .sort(),
        [...lists].sort(),
      );
      assert.deepEqual((await repairBackup({ report })).repaired, 3);
      for (const [name, bytes] of before) assert.deepEqual(fs.readFileSync(path.join(backup, name)), bytes, name);
      assert.deepEqual((await verifyBackup({ path: backup, level: 'full', ...secretly })).findings, []);
    });
  }

  it('makes no repaired version that would forget a damage', async () => {
    await start();
    const { path: backup } = await device.make(backups());
    const [only] = filesOf(backup).filter((name) => name === 'Manifest.db');
    const photos = filesOf(backup).filter((name) => fs.statSync(path.join(backup, name)).size === 40_000);
    // In every version, and written to.
    for (const place of fs.readdirSync(backups()).filter((name) => !name.startsWith('.'))) {
      fs.rmSync(path.join(backups(), place, photos[0] ?? ''));
      fs.writeFileSync(path.join(backups(), place, photos[0] ?? ''), Buffer.alloc(40_000));
    }
    rot(backup, only ?? '');
    const report = await verifyBackup({ path: backup, level: 'full' });
    assert.ok(report.damages >= 2);
    const before = readTree(backups());
    assert.equal((await repairBackup({ report })).repaired, 0);
    assert.deepEqual(readTree(backups()), before);
  });

  it('raises no false alarm on 50 plain and 50 encrypted backups', async function () {
    this.timeout(300_000);
    const content = await variedContent();
    const alarms: string[] = [];
    for (const secret of [undefined, password]) {
      device = await RealBackups.start(secret === undefined ? {} : { backupPassword: secret }, { content });
      const place = path.join(folder.path, secret === undefined ? 'plain' : 'encrypted');
      fs.mkdirSync(place);
      for (let count = 0; count < 50; count++) {
        await device.change(4, count + 1);
        const { path: backup } = await device.make(place);
        const withPassword = secret !== undefined && count % 2 === 0 ? { password: secret } : {};
        const report = await verifyBackup({ path: backup, level: 'full', ...withPassword });
        if (report.findings.length > 0)
          alarms.push(`${secret ?? 'plain'} ${count}: ${JSON.stringify(report.findings)}`);
      }
      if (secret === undefined) await device[Symbol.asyncDispose]();
    }
    assert.deepEqual(alarms, []);
  });
});

async function findByName(backup: string, relativePath: string): Promise<readonly string[]> {
  const { openManifest, readManifestPlist } = await import('../../../src/backups');
  const manifest = await openManifest(backup, await readManifestPlist(backup));
  try {
    const found: string[] = [];
    for (const entry of manifest.entries()) {
      if (entry.ok && entry.file.relativePath === relativePath)
        found.push(`${entry.file.fileID.slice(0, 2)}/${entry.file.fileID}`);
    }
    return found;
  } finally {
    manifest.close();
  }
}
