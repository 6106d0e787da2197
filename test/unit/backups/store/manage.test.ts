import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { listBackups } from '../../../../src/backups/catalogue/listBackups';
import { applyRetention, previewRetention } from '../../../../src/backups/store/applyRetention';
import { archiveBackup } from '../../../../src/backups/store/archiveBackup';
import { deleteBackup } from '../../../../src/backups/store/deleteBackup';
import { findSidecar, listSidecars } from '../../../../src/backups/store/findSidecar';
import { labelBackup } from '../../../../src/backups/store/labels';
import { moveBackup } from '../../../../src/backups/store/moveBackup';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../../src/backups/store/recover';
import { planRetention } from '../../../../src/backups/store/retention';
import { openStaging } from '../../../../src/backups/store/staging';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { silentLog } from '../../../../src/base/log';
import { readTree, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { counting, crashing, failing, intercepted, withoutLinks, withoutSync } from '../../../support/fileSystemFaults';
import { blobPath, changed, incrementalRun, kept, removed } from '../../../support/incrementalRun';

const disk = withoutSync(nodeFileSystem());

describe('backups in a folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const inside = (name: string) => path.join(folder.path, name);
  const names = () =>
    fs
      .readdirSync(folder.path)
      .filter((name) => name !== '.ios-backup')
      .sort();
  const backUp = async (round: number, fileSystem: FileSystem = disk) => {
    const staging = await openStaging({ folder: folder.path, udid: UDID, fileSystem });
    await incrementalRun(staging.store, round);
    return staging.commit(() => Promise.resolve());
  };
  const killOwner = () => fs.rmSync(inside(`.ios-backup/${UDID}.lock`), { force: true });

  beforeEach(() => {
    folder = temporaryFolder();
    writeBackup(inside(UDID), { blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'removed' } });
  });
  afterEach(() => folder.remove());

  describe('deleteBackup()', () => {
    it('removes a version and what is kept about it, and harms no other', async () => {
      await backUp(1);
      const { version } = await backUp(2);
      assert.ok(version);
      const others = () =>
        Object.fromEntries(
          names()
            .filter((name) => inside(name) !== version)
            .map((name) => [name, readTree(inside(name))]),
        );
      const before = others();
      assert.equal((await listSidecars(disk, folder.path)).length, 2);
      await deleteBackup(version, { fileSystem: disk });
      assert.equal(fs.existsSync(version), false);
      assert.deepEqual(others(), before);
      assert.deepEqual(
        (await listSidecars(disk, folder.path)).map(({ path: place }) => place),
        [(await findSidecar(disk, inside(UDID)))?.path],
      );
      assert.deepEqual(fs.readdirSync(inside('.ios-backup')).sort(), ['automatic', 'sidecars']);
    });

    it('keeps the label of one that could not be removed', async () => {
      const { version = '' } = await backUp(1);
      await labelBackup(version, 'my own');
      const label = async () =>
        (await listBackups([{ path: folder.path, kind: 'added' }])).backups.find((one) => one.path === version)?.label;
      const held = failing(disk, 'EACCES', ({ name, path: from }) => name === 'rename' && from === version);
      await assert.rejects(deleteBackup(version, { fileSystem: held }), { code: 'folderNotWritable' });
      assert.equal(await label(), 'my own');
      await deleteBackup(version, { fileSystem: disk });
      assert.equal(fs.readFileSync(inside('.ios-backup/labels.json'), 'utf8').includes('my own'), false);
    });

    it('does not take two for spare when both are removed at once', async () => {
      const { version = '' } = await backUp(1);
      let other: Promise<void> | undefined;
      // Somebody else removes the other one after this one has looked, and before it has the lock.
      const fileSystem = intercepted(disk, async (call, run) => {
        if (other === undefined && call.path.includes(`${UDID}.lock`)) {
          other = deleteBackup(version, { fileSystem: disk });
          await other;
        }
        return run();
      });
      await assert.rejects(deleteBackup(inside(UDID), { fileSystem }), { code: 'onlyGoodBackup' });
      assert.deepEqual(names(), [UDID]);
    });

    it('asks before the only good one goes', async () => {
      await assert.rejects(deleteBackup(inside(UDID), { fileSystem: disk }), { code: 'onlyGoodBackup' });
      writeBackup(inside('another'), { state: 'uploading' });
      await assert.rejects(deleteBackup(inside(UDID), { fileSystem: disk }), { code: 'onlyGoodBackup' });
      await deleteBackup(inside('another'), { fileSystem: disk });
      await deleteBackup(inside(UDID), { fileSystem: disk, evenIfOnly: true });
      assert.deepEqual(names(), []);
    });

    it('refuses what is no backup, and what is being worked on', async () => {
      fs.mkdirSync(inside('documents'));
      fs.symlinkSync(UDID, inside('link'));
      for (const name of ['documents', 'link', 'none', '.ios-backup'])
        await assert.rejects(deleteBackup(inside(name), { fileSystem: disk, evenIfOnly: true }), {
          code: 'notABackup',
        });
      await using staging = await openStaging({ folder: folder.path, udid: UDID, fileSystem: disk });
      await assert.rejects(deleteBackup(inside(UDID), { fileSystem: disk, evenIfOnly: true }), { code: 'backupInUse' });
      assert.equal(staging.resumed, false);
    });

    it('stopped anywhere harms no other, and is completed or not begun', async () => {
      const { version } = await backUp(1);
      assert.ok(version);
      const current = readTree(inside(UDID));
      const whole = readTree(version);
      const { fileSystem, changes } = counting(disk);
      const spare = temporaryFolder();
      fs.cpSync(folder.path, spare.path, { recursive: true, preserveTimestamps: true });
      await deleteBackup(version, { fileSystem });
      for (let at = 0; at < changes(); at++) {
        fs.rmSync(folder.path, { recursive: true });
        fs.cpSync(spare.path, folder.path, { recursive: true, preserveTimestamps: true });
        await deleteBackup(version, { fileSystem: crashing(disk, at, 'before') }).catch(() => {});
        killOwner();
        await recover(folder.path, silentLog, { fileSystem: disk });
        assert.deepEqual(readTree(inside(UDID)), current);
        if (fs.existsSync(version)) assert.deepEqual(readTree(version), whole);
        assert.equal(fs.existsSync(inside('.ios-backup/trash')), false);
      }
      spare.remove();
    });
  });

  for (const [way, fileSystem] of [
    ['links', disk],
    ['copies', withoutLinks(disk)],
  ] as const) {
    it(`archiveBackup() keeps a backup by ${way} under Finder's name`, async () => {
      const before = readTree(inside(UDID));
      const archive = await archiveBackup(inside(UDID), { fileSystem });
      assert.match(path.basename(archive), /^00008101-000A1B2C3D4E001E-20240506-\d{6}$/);
      assert.deepEqual(readTree(archive), before);
      const second = await archiveBackup(inside(UDID), { fileSystem });
      assert.notEqual(second, archive);
      assert.deepEqual(readTree(inside(UDID)), before);
      assert.equal(
        fs.statSync(path.join(archive, blobPath(kept).slice(UDID.length + 1))).nlink,
        way === 'links' ? 3 : 1,
      );
      for (const file of ['Status.plist', 'Manifest.plist', 'Manifest.db', 'Info.plist'])
        assert.equal(fs.statSync(path.join(archive, file)).nlink, 1);
      assert.equal((await findSidecar(disk, archive))?.meta.files, 7);
      assert.deepEqual(fs.readdirSync(inside('.ios-backup/building')), []);
      // It outlives everything that happens to the original.
      await backUp(1);
      await applyRetention(folder.path, UDID, { last: 1 }, { fileSystem: disk });
      assert.deepEqual(readTree(archive), before);
    });
  }

  describe('moveBackup()', () => {
    let target: ReturnType<typeof temporaryFolder>;
    beforeEach(() => {
      target = temporaryFolder();
    });
    afterEach(() => target.remove());

    it('copies, compares, and then removes', async () => {
      await backUp(1);
      await labelBackup(inside(UDID), 'my own');
      const before = readTree(inside(UDID));
      const moved = await moveBackup(inside(UDID), target.path, { fileSystem: disk });
      assert.equal(moved, path.join(target.path, UDID));
      assert.deepEqual(readTree(moved), before);
      assert.equal(fs.existsSync(inside(UDID)), false);
      assert.equal(names().length, 1);
      assert.equal((await findSidecar(disk, moved))?.meta.name, UDID);
      assert.equal((await listBackups([{ path: target.path, kind: 'added' }])).backups[0]?.label, 'my own');
    });

    it('keeps the original when anything is wrong', async () => {
      const before = readTree(folder.path);
      const attempt = (fileSystem: FileSystem, to = target.path) => moveBackup(inside(UDID), to, { fileSystem });
      await assert.rejects(attempt(disk, inside(`${UDID}/inside`)), { code: 'notAllowed' });
      await assert.rejects(attempt(disk, folder.path), { code: 'notAllowed' });
      await assert.rejects(attempt(disk, path.join(target.path, 'none')), { code: 'folderMissing' });
      await assert.rejects(
        attempt(failing(disk, 'ENOSPC', ({ name, path: file }) => name === 'write' && file.includes(kept))),
        { code: 'hostDiskFull' },
      );
      await assert.rejects(attempt({ ...disk, freeSpace: () => Promise.resolve(100) }), { code: 'hostDiskFull' });
      assert.deepEqual(fs.readdirSync(target.path), ['.ios-backup']);
      fs.mkdirSync(path.join(target.path, UDID));
      await assert.rejects(attempt(disk), { code: 'backupExists' });
      fs.rmSync(path.join(target.path, UDID), { recursive: true });
      assert.deepEqual({ ...readTree(folder.path), '.ios-backup': undefined }, { ...before, '.ios-backup': undefined });
      fs.symlinkSync('/etc', inside(`${UDID}/link`));
      await assert.rejects(attempt(disk), { code: 'unsafePath' });
    });

    it('is not led back into the backup or its folder by links and other spellings', async () => {
      const link = (to: string, name: string) => {
        fs.symlinkSync(to, path.join(target.path, name));
        return path.join(target.path, name);
      };
      const ways = [
        link(folder.path, 'folder'),
        link(inside(UDID), 'backup'),
        link(inside(UDID), 'above') + '/ab',
        link(target.path, 'self') + '/folder',
      ];
      fs.mkdirSync(inside(`${UDID}/ab`), { recursive: true });
      const before = readTree(inside(UDID));
      for (const way of ways) {
        await assert.rejects(moveBackup(inside(UDID), way, { fileSystem: disk }), { code: 'notAllowed' }, way);
      }
      // A disk that takes one spelling for the other; the real paths tell nothing there.
      const folding: FileSystem = {
        ...disk,
        stat: (place) => disk.stat(place.replace(folder.path.toUpperCase(), folder.path)),
        realPath: (place) => Promise.resolve(place),
      };
      for (const way of [folder.path.toUpperCase(), `${folder.path.toUpperCase()}/${UDID}`]) {
        await assert.rejects(moveBackup(inside(UDID), way, { fileSystem: folding }), { code: 'notAllowed' }, way);
      }
      assert.deepEqual(readTree(inside(UDID)), before);
      fs.rmdirSync(inside(`${UDID}/ab`));
    });

    it('does not hand damage on', async () => {
      await backUp(1);
      const blob = inside(blobPath(changed));
      const { mtime } = fs.statSync(blob);
      const bytes = fs.readFileSync(blob);
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      fs.writeFileSync(blob, bytes);
      fs.utimesSync(blob, mtime, mtime);
      // The clock of utimes() is coarser: give the sidecar the same time.
      const sidecar = (await findSidecar(disk, inside(UDID)))?.path ?? '';
      const stats = path.join(sidecar, 'files.stat');
      const { ino, mtimeMs } = fs.statSync(blob);
      fs.writeFileSync(
        stats,
        fs.readFileSync(stats, 'utf8').replace(new RegExp(`^(\\d+) \\S+ ${ino}$`, 'm'), `$1 ${mtimeMs} ${ino}`),
      );
      await assert.rejects(moveBackup(inside(UDID), target.path, { fileSystem: disk }), { code: 'fileDamaged' });
      assert.equal(fs.existsSync(blob), true);
      assert.deepEqual(fs.readdirSync(target.path), ['.ios-backup']);
    });

    it('stopped anywhere leaves the original or a whole copy', async () => {
      const before = readTree(inside(UDID));
      const { fileSystem, changes } = counting(disk);
      const spare = temporaryFolder();
      fs.cpSync(folder.path, spare.path, { recursive: true, preserveTimestamps: true });
      await moveBackup(inside(UDID), target.path, { fileSystem });
      let stillThere = 0;
      for (let at = 0; at < changes(); at += 2) {
        for (const place of [folder.path, target.path]) fs.rmSync(place, { recursive: true });
        fs.mkdirSync(target.path);
        fs.cpSync(spare.path, folder.path, { recursive: true, preserveTimestamps: true });
        await moveBackup(inside(UDID), target.path, { fileSystem: crashing(disk, at, 'before') }).catch(() => {});
        for (const place of [folder.path, target.path]) {
          fs.rmSync(path.join(place, `.ios-backup/${UDID}.lock`), { force: true });
          await recover(place, silentLog, { fileSystem: disk });
        }
        const places = [inside(UDID), path.join(target.path, UDID)].filter((place) => fs.existsSync(place));
        assert.ok(places.length > 0);
        for (const place of places) assert.deepEqual(readTree(place), before, `change ${at}`);
        if (places.includes(inside(UDID))) stillThere++;
        assert.deepEqual(
          fs.readdirSync(target.path).filter((name) => ![UDID, '.ios-backup'].includes(name)),
          [],
        );
      }
      assert.ok(stillThere > 0);
      spare.remove();
    });
  });

  describe('labelBackup()', () => {
    const labels = async () =>
      Object.fromEntries(
        (await listBackups([{ path: folder.path, kind: 'added' }])).backups.map(({ path: place, label }) => [
          path.basename(place),
          label,
        ]),
      );

    it('stays with the backup when a commit renames it', async () => {
      await labelBackup(inside(UDID), '  before iOS 18 \n');
      assert.deepEqual(await labels(), { [UDID]: 'before iOS 18' });
      const { version } = await backUp(1);
      assert.deepEqual(await labels(), { [UDID]: undefined, [path.basename(version ?? '')]: 'before iOS 18' });
      await labelBackup(inside(UDID), 'new');
      await labelBackup(version ?? '', '');
      assert.deepEqual(await labels(), { [UDID]: 'new', [path.basename(version ?? '')]: undefined });
    });

    it('tells an archive from its original', async () => {
      const archive = await archiveBackup(inside(UDID), { fileSystem: disk });
      await labelBackup(archive, 'trip');
      assert.deepEqual(await labels(), { [UDID]: undefined, [path.basename(archive)]: 'trip' });
      await assert.rejects(labelBackup(inside('none'), 'x'), { code: 'notABackup' });
    });
  });

  it('applyRetention() removes only what commits have put aside', async () => {
    writeBackup(inside(`${UDID}-20200101-000000`), { date: new Date('2020-01-01T00:00:00Z') });
    const versions: string[] = [];
    for (let round = 1; round <= 5; round++) versions.push((await backUp(round)).version ?? '');
    await labelBackup(versions[1] ?? '', 'keep me');
    const plan = await previewRetention(folder.path, UDID, { last: 2 }, { fileSystem: disk });
    assert.deepEqual(plan.remove, [versions[0], versions[2], versions[3]]);
    assert.deepEqual(plan.keep.find(({ path: place }) => place === versions[1])?.because, ['pinned']);
    assert.deepEqual(await applyRetention(folder.path, UDID, { last: 2 }, { fileSystem: disk }), plan.remove);
    assert.deepEqual(
      names(),
      [UDID, path.basename(versions[1] ?? ''), path.basename(versions[4] ?? ''), `${UDID}-20200101-000000`].sort(),
    );
    assert.deepEqual(await applyRetention(folder.path, UDID, {}, { fileSystem: disk }), []);
  });
});

describe('applyRetention() after a preview', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const versions: string[] = [];
  const policy = { last: 2 };
  const preview = async () => (await previewRetention(folder.path, UDID, policy, { fileSystem: disk })).remove;
  const apply = (only: readonly string[], fileSystem = disk) =>
    applyRetention(folder.path, UDID, policy, { fileSystem, only });
  const backUp = async (round: number) => {
    const staging = await openStaging({ folder: folder.path, udid: UDID, fileSystem: disk });
    await incrementalRun(staging.store, round);
    return (await staging.commit(() => Promise.resolve())).version ?? '';
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    writeBackup(path.join(folder.path, UDID), { blobs: { [kept]: 'kept', [removed]: 'removed' } });
    versions.length = 0;
    for (let round = 1; round <= 4; round++) versions.push(await backUp(round));
  });
  afterEach(() => folder.remove());

  it('removes what was shown and no more, when a backup has come since', async () => {
    const shown = await preview();
    assert.deepEqual(shown, versions.slice(0, 3));
    const late = await backUp(5);
    assert.deepEqual(
      await preview(),
      versions.slice(0, 4).filter((one) => one !== late),
      'one more would go now',
    );
    assert.deepEqual(await apply(shown), shown);
    for (const stays of [versions[3], late, path.join(folder.path, UDID)]) assert.ok(fs.existsSync(stays ?? ''), stays);
    assert.deepEqual(await apply([]), []);
  });

  it('removes less than was shown, when less is superfluous by now', async () => {
    const shown = await preview();
    await labelBackup(shown[1] ?? '', 'keep me');
    await deleteBackup(path.join(folder.path, UDID), { fileSystem: disk });
    // With the present one gone, one of those shown is the second newest.
    assert.deepEqual(await apply(shown), [shown[0]]);
    assert.ok(fs.existsSync(shown[2] ?? ''));
  });

  it('looks again before each removal', async () => {
    const shown = await preview();
    let labelled = false;
    const fileSystem = intercepted(disk, async (call, run) => {
      const result = await run();
      if (!labelled && call.name === 'rename' && call.path === shown[0]) {
        labelled = true;
        await labelBackup(shown[1] ?? '', 'keep me');
      }
      return result;
    });
    assert.deepEqual(await apply(shown, fileSystem), [shown[0], shown[2]]);
    assert.ok(labelled && fs.existsSync(shown[1] ?? ''));
  });

  it('leaves a version that somebody holds, and holds the others while they go', async () => {
    const shown = await preview();
    const log: string[] = [];
    const hold = (version: string) => {
      if (version === shown[1]) return undefined;
      log.push(`hold ${String(fs.existsSync(version))}`);
      return { dispose: () => log.push(`let go ${String(fs.existsSync(version))}`) };
    };
    assert.deepEqual(await applyRetention(folder.path, UDID, policy, { fileSystem: disk, hold }), [shown[0], shown[2]]);
    assert.deepEqual(log, ['hold true', 'let go false', 'hold true', 'let go false']);
    assert.ok(fs.existsSync(shown[1] ?? ''));
  });

  it('looks for the last time under the lock', async () => {
    const shown = await preview();
    let labelled = false;
    const fileSystem = intercepted(disk, async (call, run) => {
      const result = await run();
      // The lock has just been taken for the first of them.
      if (!labelled && call.path.includes(`${UDID}.lock`) && call.name !== 'stat') {
        labelled = true;
        await labelBackup(shown[0] ?? '', 'keep me');
      }
      return result;
    });
    assert.deepEqual(await apply(shown, fileSystem), [shown[1], shown[2]]);
    assert.ok(labelled && fs.existsSync(shown[0] ?? ''));
  });

  it('is not led to anything else by what it is told to remove', async () => {
    const present = path.join(folder.path, UDID);
    assert.deepEqual(await apply([present, folder.path, versions[3] ?? '']), []);
    assert.ok(fs.existsSync(present));
  });
});

describe('planRetention()', () => {
  const version = (text: string, pinned = false) => ({ path: text, date: new Date(`${text}:00`), pinned });
  // Two a day over three weeks, newest last.
  const many = Array.from({ length: 21 }, (_, day) =>
    ['09', '21'].map((hour) => version(`2024-06-${String(day + 1).padStart(2, '0')}T${hour}:00`)),
  ).flat();

  it('keeps the newest', () => {
    const { keep, remove } = planRetention(many, { last: 3 });
    assert.deepEqual(
      keep.map(({ path: place }) => place),
      ['2024-06-21T21:00', '2024-06-21T09:00', '2024-06-20T21:00'],
    );
    assert.equal(remove.length, 39);
    assert.equal(remove[0], '2024-06-01T09:00');
  });

  it('keeps the newest of each day, week and month, and adds the rules up', () => {
    const { keep } = planRetention(
      [version('2024-04-30T10:00'), version('2024-05-01T10:00'), version('2024-05-30T10:00'), ...many],
      { daily: 2, weekly: 2, monthly: 3 },
    );
    assert.deepEqual(
      keep.map(({ path: place, because }) => [place, because.join('+')]),
      [
        ['2024-06-21T21:00', 'daily+weekly+monthly'],
        ['2024-06-20T21:00', 'daily'],
        ['2024-06-16T21:00', 'weekly'],
        ['2024-05-30T10:00', 'monthly'],
        ['2024-04-30T10:00', 'monthly'],
      ],
    );
  });

  it('keeps everything without a rule, and pinned ones with any', () => {
    assert.deepEqual(planRetention(many, {}).remove, []);
    assert.deepEqual(planRetention(many, { last: 0 }).remove, []);
    const { keep } = planRetention([...many, version('2020-01-01T00:00', true)], { last: 1 });
    assert.deepEqual(
      keep.map(({ because }) => because),
      [['last'], ['pinned']],
    );
  });

  it('never removes the newest, whatever the policy and the order', () => {
    for (let seed = 1; seed < 200; seed++) {
      const policy = { last: seed % 3, daily: seed % 5, weekly: seed % 2, monthly: seed % 7 };
      const shuffled = [...many].sort(
        (one, other) => ((one.date.getTime() * seed) % 101) - ((other.date.getTime() * seed) % 101),
      );
      const { keep, remove } = planRetention(shuffled, policy);
      assert.equal(keep[0]?.path, '2024-06-21T21:00');
      assert.deepEqual(
        [...keep.map(({ path: place }) => place), ...remove].sort(),
        many.map(({ path: place }) => place).sort(),
      );
    }
  });
});
