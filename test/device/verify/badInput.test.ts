import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { archiveBackup, deleteBackup, labelBackup, moveBackup } from '../../../src/backups';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import type { VerifyLevel, VerifyReport } from '../../../src/backups';
import { readTree, statusPlist, temporaryFolder } from '../../support/backupFolders';
import { bundleProgram } from '../../support/engineProcess';
import { RealBackups, variedContent } from '../../support/realBackups';
import { RunningProgram } from '../../support/runProgram';

const LEVELS: readonly VerifyLevel[] = ['quick', 'full'];
// Mounting needs root on Linux; elsewhere the calls to the disk are made to fail.
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

describe('a check of what is no sound backup', function () {
  this.timeout(60_000);
  let original: ReturnType<typeof temporaryFolder>;
  let folder: ReturnType<typeof temporaryFolder>;
  let udid: string;
  let backup: string;

  before(async () => {
    original = temporaryFolder();
    const content = await variedContent();
    const many = { domain: 'HomeDomain', relativePath: 'Library/Many', count: 60, size: 100 };
    await using device = await RealBackups.start({}, { content: { ...content, groups: [...content.groups, many] } });
    udid = device.udid;
    await device.make(original.path);
  });
  after(() => original.remove());
  beforeEach(() => {
    folder = temporaryFolder();
    copyTo(folder.path);
    backup = path.join(folder.path, udid);
  });
  afterEach(() => folder.remove());

  const copyTo = (place: string) => execFileSync('cp', ['-a', `${original.path}/.`, place]);
  const inside = (name: string) => path.join(backup, name);
  const forget = () => fs.rmSync(path.join(folder.path, '.ios-backup'), { recursive: true });
  const contents = () =>
    (fs.readdirSync(backup, { recursive: true }) as string[]).filter((name) => /^..\/[0-9a-f]{40}$/.test(name)).sort();

  /** A check that changes nothing, whatever it finds. */
  async function check(level: VerifyLevel, place = backup, failing?: FailingDisk): Promise<VerifyReport> {
    const around = readTree(folder.path);
    try {
      const work = () => verifyBackup({ path: place, level });
      return await (failing ? withFailingDisk(failing, work) : work());
    } finally {
      assert.deepEqual(readTree(folder.path), around);
    }
  }
  const damages = async (level: VerifyLevel, failing?: FailingDisk) =>
    (await check(level, backup, failing)).findings
      .filter(({ severity }) => severity === 'damage')
      .map(({ kind, file }) => [kind, file].join(' '));

  /** Rows and tables as only a hostile program writes them. */
  function changeManifest(script: string): void {
    const program = `import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n${script}\ndb.commit()`;
    execFileSync('/usr/bin/python3', ['-c', program, inside('Manifest.db')], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }

  for (const level of LEVELS) {
    describe(level, () => {
      it('refuses what is no backup', async () => {
        fs.mkdirSync(path.join(folder.path, 'photos'));
        fs.writeFileSync(path.join(folder.path, 'photos', 'IMG_0001.JPG'), 'x');
        for (const [name, code] of [
          ['photos', 'notABackup'],
          ['photos/IMG_0001.JPG', 'notABackup'],
          ['.ios-backup', 'notABackup'],
          ['none', 'folderMissing'],
        ] as const) {
          await assert.rejects(check(level, path.join(folder.path, name)), { code }, name);
        }
      });

      it('counts all of half a backup, and names what is gone', async () => {
        const all = contents();
        for (const name of new Set(all.map((file) => file.slice(0, 2)))) fs.rmSync(inside(name), { recursive: true });
        const report = await check(level);
        assert.equal(report.damages, all.length);
        assert.deepEqual(report.findings.map(({ file }) => file).sort(), all);
        assert.ok(report.findings.every(({ kind, domain }) => kind === 'missing' && domain !== undefined));
      });

      it('says that the run was not finished, or a list is gone', async () => {
        forget();
        fs.writeFileSync(inside('Status.plist'), statusPlist(new Date(), 'uploading'));
        assert.deepEqual(await damages(level), ['status Status.plist']);
        fs.rmSync(inside('Status.plist'));
        assert.deepEqual(await damages(level), ['plist Status.plist']);
        fs.rmSync(inside('Manifest.db'));
        assert.deepEqual(await damages(level), ['plist Status.plist', 'manifest Manifest.db']);
        fs.rmSync(inside('Manifest.plist'));
        await assert.rejects(check(level), { code: 'notABackup' });
      });

      for (const own of [true, false]) {
        it(`finds an empty Manifest.db ${own ? 'and goes on with' : 'without'} a second copy of it`, async () => {
          if (!own) forget();
          fs.writeFileSync(inside('Manifest.db'), '');
          assert.deepEqual(await damages(level), ['manifest Manifest.db']);
          const [victim = ''] = contents();
          fs.rmSync(inside(victim));
          const found = (await check(level)).findings.find(({ file }) => file === victim);
          // By name even so, from the copy; without any list nobody knows of it.
          assert.deepEqual([found?.kind, found?.domain !== undefined], own ? ['missing', true] : [undefined, false]);
        });
      }

      it('takes hostile rows for damage and follows none of them', async () => {
        forget();
        changeManifest(`
db.execute('DROP INDEX IF EXISTS FilesDomainIdx'); db.execute('DROP INDEX IF EXISTS FilesRelativePathIdx')
record = db.execute('SELECT file FROM Files WHERE flags = 1 LIMIT 1').fetchone()[0]
for id in ['../../etc/passwd', '/etc/passwd', '..', 'xyz', 'ab/../../../etc/passwd', 'a' * 5000000, 'ab' + chr(0) + 'cd', '', 'A' * 40]:
  db.execute('INSERT INTO Files VALUES (?,?,?,?,?)', (id, 'HomeDomain', '../../../../etc/passwd', 1, record))
db.execute('INSERT INTO Files VALUES (?,?,?,?,?)', ('f' * 40, '../..', 'x' * 3000000 + '/../../etc' + chr(0), 1, record))
db.execute('INSERT INTO Files VALUES (?,?,?,?,?)', ('e' * 40, 7, b'../etc', 1, record))
db.execute('INSERT INTO Files VALUES (?,?,?,?,?)', ('d' * 40, 'HomeDomain', 'x', 1, b'bplist00' + b'x' * 100))
db.execute('INSERT INTO Files VALUES (?,?,?,?,?)', (b'c' * 40, 'HomeDomain', 'y', 1, None))`);
        const report = await check(level);
        const kinds = report.findings.filter(({ severity }) => severity === 'damage').map(({ kind }) => kind);
        assert.deepEqual(kinds.sort(), [...Array<string>(12).fill('badRow'), 'missing'].sort());
        assert.equal(report.damages, 13);
        assert.ok(JSON.stringify(report).length < 100_000);
        for (const { file } of report.findings) assert.ok(file === undefined || !file.includes('..'), file);
      });

      for (const [what, script] of [
        [
          'a view without end',
          'CREATE VIEW Files AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fileID, i AS domain, i AS relativePath, 1 AS flags, zeroblob(9) AS file FROM n',
        ],
        [
          'a view that never gives a row',
          'CREATE VIEW Files AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fileID, i AS domain, i AS relativePath, 1 AS flags, i AS file FROM n WHERE i < 0',
        ],
        ['other columns', 'CREATE TABLE Files (a, b)'],
        ['nothing', 'CREATE TABLE Filez (a, b)'],
      ] as const) {
        it(`finds ${what} in the place of the rows`, async () => {
          forget();
          changeManifest(`db.execute('DROP TABLE Files')\ndb.execute(${JSON.stringify(script)})`);
          assert.deepEqual(await damages(level), ['manifest Manifest.db']);
        });
      }

      it('does not ask a view without end for what iOS 10.0 has written', async () => {
        changeManifest(
          `db.execute('DROP TABLE Properties')\ndb.execute('CREATE VIEW Properties AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, i AS value FROM n')`,
        );
        forget();
        assert.deepEqual(await damages(level), []);
      });

      it('goes through no link, and hangs at no pipe', async () => {
        forget();
        const outside = path.join(folder.path, 'outside');
        const [first = '', second = '', third = ''] = contents();
        fs.mkdirSync(outside);
        // What lies there would fit.
        fs.renameSync(inside(first), path.join(outside, 'content'));
        fs.symlinkSync(path.join(outside, 'content'), inside(first));
        const other = contents().find((name) => name.slice(0, 2) !== first.slice(0, 2)) ?? '';
        fs.renameSync(inside(other.slice(0, 2)), path.join(outside, 'shard'));
        fs.symlinkSync(path.join(outside, 'shard'), inside(other.slice(0, 2)));
        const pipe = [second, third].find((name) => fs.existsSync(inside(name)) && name !== other) ?? '';
        fs.rmSync(inside(pipe));
        execFileSync('mkfifo', [inside(pipe)]);
        const gone = (await check(level)).findings.filter(({ severity }) => severity === 'damage');
        for (const name of [first, other, pipe]) {
          assert.equal(gone.find(({ file }) => file === name)?.kind, 'missing', name);
        }
        for (const name of ['Status.plist', 'Info.plist', 'Manifest.plist', 'Manifest.db']) {
          const place = path.join(outside, name);
          fs.renameSync(inside(name), place);
          for (const put of [() => fs.symlinkSync(place, inside(name)), () => execFileSync('mkfifo', [inside(name)])]) {
            put();
            const found = (await check(level)).findings.find(({ file }) => file === name);
            assert.match(found?.message ?? '', /no ordinary file/, name);
            fs.rmSync(inside(name));
          }
          fs.renameSync(place, inside(name));
        }
      });

      it('does not let a list of hashes lead it outside', async () => {
        const [sums = ''] = (fs.readdirSync(folder.path, { recursive: true }) as string[]).filter((name) =>
          name.endsWith('files.sha256'),
        );
        const list = path.join(folder.path, sums);
        const stats = path.join(path.dirname(list), 'files.stat');
        fs.writeFileSync(path.join(folder.path, 'secret'), 'secret');
        fs.appendFileSync(
          list,
          `${'0'.repeat(64)}  ../secret\n${'0'.repeat(64)}  ab/../../secret\n${'0'.repeat(64)}  /etc/passwd\n`,
        );
        fs.appendFileSync(stats, '6 0 1\n6 0 1\n6 0 1\n');
        assert.deepEqual((await check(level)).findings, []);
      });

      it('tells a folder that cannot be listed from files that are gone', async () => {
        const [victim = ''] = contents();
        const shard = victim.slice(0, 2);
        const unlistable = (code: string) =>
          ({ call: 'readdirSync', code, which: (file: string) => file.endsWith(`/${shard}`) }) as const;
        const found = await damages(level, unlistable('EIO'));
        assert.ok(found.includes(`unreadable ${shard}`) && found.includes(`unreadable ${victim}`), found.join());
        assert.ok(found.every((text) => text.startsWith('unreadable ')));
        // What the system says of a disk that is not there is not about the folder.
        await assert.rejects(check(level, backup, unlistable('ENXIO')), { code: 'folderOffline' });
      });
    });
  }

  it('goes on past a file that the disk cannot read, and gives up a disk that reads nothing', async () => {
    const [victim = ''] = contents();
    const reads = (code: string, which: (file: string) => boolean) => ({ call: 'openSync', code, which }) as const;
    assert.deepEqual(
      await damages(
        'full',
        reads('EIO', (file) => file === inside(victim)),
      ),
      [`unreadable ${victim}`],
    );
    const isContent = (file: string) => /\/[0-9a-f]{40}$/.test(file);
    assert.ok(contents().length >= 50);
    await assert.rejects(check('full', backup, reads('EIO', isContent)), { code: 'diskError' });
    await assert.rejects(check('full', backup, reads('ESTALE', isContent)), { code: 'folderOffline' });
  });

  (canMount ? describe : describe.skip)('on a real file system', () => {
    let disk: string;
    const mount = (...options: string[]) => execFileSync('mount', [...options, disk]);

    beforeEach(() => {
      disk = path.join(folder.path, 'disk');
      fs.mkdirSync(disk);
    });
    afterEach(() => {
      if (isMounted()) execFileSync('umount', ['-l', disk]);
    });
    const isMounted = () => fs.statSync(disk).dev !== fs.statSync(folder.path).dev;

    it('checks what lies on a read-only disk, and changes nothing there', async () => {
      mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs');
      copyTo(disk);
      mount('-o', 'remount,ro');
      const place = path.join(disk, udid);
      const state = path.join(folder.path, 'state');
      const before = readTree(disk);
      for (const level of LEVELS) {
        const report = await verifyBackup({ path: place, level, stateFolder: state });
        assert.deepEqual(report.findings, []);
        assert.equal(report.hashesKnown, true);
      }
      for (const change of [
        () => deleteBackup(place, { evenIfOnly: true }),
        () => archiveBackup(place),
        () => labelBackup(place, 'x'),
        () => moveBackup(place, folder.path),
      ]) {
        await assert.rejects(change(), { code: 'folderNotWritable' });
      }
      assert.deepEqual(readTree(disk), before);
    });

    it('says that the disk went away in the middle, not that all is lost', async () => {
      mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs');
      copyTo(disk);
      for (const level of LEVELS) {
        if (!isMounted()) {
          mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs');
          copyTo(disk);
        }
        let steps = 0;
        const pull = () => {
          if (steps++ === 0) execFileSync('umount', ['-l', disk]);
          return false;
        };
        const pulled: FailingDisk = { call: 'readdirSync', code: '', which: (file) => file.endsWith('/80') && pull() };
        await withFailingDisk(pulled, () =>
          assert.rejects(verifyBackup({ path: path.join(disk, udid), level }), { code: 'folderOffline' }),
        );
        assert.equal(isMounted(), false);
        assert.deepEqual(fs.readdirSync(disk), [], 'nothing is made where it was');
      }
    });

    it('says of a dying disk what it cannot read', async () => {
      const image = path.join(folder.path, 'image');
      fs.closeSync(fs.openSync(image, 'w'));
      fs.truncateSync(image, 24 << 20);
      execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
      mount('-o', 'loop', image);
      copyTo(disk);
      execFileSync('umount', [disk]);
      // Freshly mounted nothing of it is in memory; then most of the disk is gone.
      mount('-o', 'loop', image);
      const place = path.join(disk, udid);
      const files = contents().length;
      for (const name of fs.readdirSync(place)) fs.lstatSync(path.join(place, name));
      fs.truncateSync(image, 1 << 20);
      const report = await verifyBackup({ path: place, level: 'full' }).catch((error: unknown) => error);
      if (report instanceof Error)
        assert.ok(
          ['diskError', 'noPermission', 'notABackup'].includes((report as { code?: string }).code ?? ''),
          String(report),
        );
      else assert.ok((report as VerifyReport).damages > files / 2);
      execFileSync('umount', ['-l', disk]);
    });
  });

  it('needs little memory for an index of 60,000 rows, none of which has its file', async () => {
    forget();
    changeManifest(`
record = db.execute('SELECT file FROM Files WHERE flags = 1 LIMIT 1').fetchone()[0]
db.execute('DELETE FROM Files')
db.executemany('INSERT INTO Files VALUES (?,?,?,?,?)', ((f'{n:040x}', 'HomeDomain', f'Library/Caches/folder/{n}.bin', 1, record) for n in range(60000)))`);
    const program = await bundleProgram('test/support/verifyProgram.ts');
    // How much a process takes depends on when it tidies up; that it can do with little does not.
    const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' };
    const { code, stdout, stderr } = await new RunningProgram(program, [backup, 'full'], env).input('').ended;
    assert.equal(code, 0, stderr);
    const { damages: lost, listed } = JSON.parse(stdout) as Record<string, number>;
    assert.equal(lost, 60_000);
    assert.ok((listed ?? 0) <= 5000);
  });
});

interface FailingDisk {
  readonly call: 'readdirSync' | 'openSync';
  readonly code: string;
  readonly which: (file: string) => boolean;
}

/** Node's own calls fail for some places, as those of a broken disk do: a check asks the disk directly. */
async function withFailingDisk<T>({ call, code, which }: FailingDisk, work: () => Promise<T>): Promise<T> {
  const calls = fs as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const real = calls[call]!;
  calls[call] = (...args) => {
    if (which(String(args[0]))) throw Object.assign(new Error(`${code}: injected`), { code });
    return real(...args);
  };
  try {
    return await work();
  } finally {
    calls[call] = real;
  }
}
