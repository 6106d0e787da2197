import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { folderStateOf } from '../../../../src/backups/catalogue/folderState';
import { infoFields } from '../../../../src/backups/catalogue/infoFields';
import { listBackups, type CatalogueFolder } from '../../../../src/backups/catalogue/listBackups';
import { measureBackup } from '../../../../src/backups/catalogue/measureBackup';
import { plistFields } from '../../../../src/backups/catalogue/plistFields';
import { systemFolders } from '../../../../src/backups/catalogue/systemFolders';
import { watchBackups } from '../../../../src/backups/catalogue/watchBackups';
import { labelBackup } from '../../../../src/backups/store/labels';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import type { CatalogueState } from '../../../../src/backups/types';
import { silentLog } from '../../../../src/base/log';
import { dict, encodeBinaryPlist, encodeXmlPlist, PlistReal } from '../../../../src/plist';
import { blobId, readTree, statusPlist, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { failing, intercepted } from '../../../support/fileSystemFaults';

describe('listBackups()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const added = (): CatalogueFolder => ({ path: folder.path, kind: 'added' });
  const list = async () => (await listBackups([added()])).backups;
  const inside = (name: string) => path.join(folder.path, name);
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('tells what the property lists say', async () => {
    writeBackup(inside(UDID), { deviceName: 'Zoë’s iPhone 📱', encrypted: true });
    const state = await listBackups([added()]);
    assert.deepEqual(state.backups, [
      {
        path: inside(UDID),
        root: folder.path,
        role: 'current',
        udid: UDID,
        deviceName: 'Zoë’s iPhone 📱',
        productType: 'iPhone16,1',
        productVersion: '18.2.1',
        serialNumber: 'F2LXXXXXXXXX',
        date: '2024-05-06T07:08:09.000Z',
        encrypted: true,
        state: 'finished',
        full: false,
      },
    ]);
    const [first] = state.folders;
    assert.deepEqual(
      { ...first, freeBytes: typeof first?.freeBytes },
      { ...added(), state: 'ready', freeBytes: 'number' },
    );
  });

  it('knows current backups, versions and others, newest first', async () => {
    writeBackup(inside(`${UDID}-20240101-120000`), { date: new Date('2024-01-01T11:00:00Z') });
    writeBackup(inside(UDID), { date: new Date('2024-03-01T00:00:00Z') });
    writeBackup(inside('Before the trip'), { date: new Date('2024-02-01T00:00:00Z') });
    writeBackup(inside('0123456789abcdef0123456789abcdef01234567'), {
      date: new Date('2023-02-01T00:00:00Z'),
      udid: '0123456789abcdef0123456789abcdef01234567',
    });
    assert.deepEqual(
      (await list()).map(({ role, udid }) => [role, udid]),
      [
        ['current', UDID],
        ['other', UDID],
        ['version', UDID],
        ['current', '0123456789abcdef0123456789abcdef01234567'],
      ],
    );
  });

  it('passes by what is no backup, and our own storage', async () => {
    fs.mkdirSync(inside('empty'));
    fs.mkdirSync(inside('documents'));
    fs.writeFileSync(path.join(inside('documents'), 'Info.plist'), 'of an app');
    fs.writeFileSync(inside(`${UDID}-20240101-120000`), 'a file');
    writeBackup(inside(`.${UDID}.partial`));
    fs.symlinkSync('/', inside('link'));
    assert.deepEqual(await list(), []);
  });

  it('shows a folder that is a backup itself', async () => {
    writeBackup(inside('x/Renamed'));
    const { backups } = await listBackups([{ path: inside('x/Renamed'), kind: 'added' }]);
    assert.deepEqual(
      backups.map(({ path: place, root, role }) => [place, root, role]),
      [[inside('x/Renamed'), inside('x'), 'other']],
    );
  });

  it('lists a backup once, whatever folders are named', async () => {
    writeBackup(inside(UDID));
    assert.equal((await listBackups([added(), added(), { path: inside(UDID), kind: 'added' }])).backups.length, 1);
  });

  for (const [what, spoil, state] of [
    [
      'an interrupted one',
      (backup: string) => fs.writeFileSync(path.join(backup, 'Status.plist'), statusPlist(new Date(), 'uploading')),
      'unfinished',
    ],
    ['one without Status.plist', (backup: string) => fs.rmSync(path.join(backup, 'Status.plist')), 'unfinished'],
    [
      'one with an empty Status.plist',
      (backup: string) => fs.truncateSync(path.join(backup, 'Status.plist')),
      'damaged',
    ],
    [
      'one with a torn Manifest.plist',
      (backup: string) => fs.truncateSync(path.join(backup, 'Manifest.plist'), 100),
      'damaged',
    ],
    ['one without Manifest.plist', (backup: string) => fs.rmSync(path.join(backup, 'Manifest.plist')), 'damaged'],
    ['one with an empty Manifest.db', (backup: string) => fs.truncateSync(path.join(backup, 'Manifest.db')), 'damaged'],
    ['one without Manifest.db', (backup: string) => fs.rmSync(path.join(backup, 'Manifest.db')), 'damaged'],
    [
      'a first one that only has begun',
      (backup: string) =>
        ['Status.plist', 'Manifest.plist', 'Manifest.db'].forEach((file) => fs.rmSync(path.join(backup, file))),
      'unfinished',
    ],
  ] as const) {
    it(`tells ${what} as ${state}, with all that is still known`, async () => {
      writeBackup(inside(UDID));
      spoil(inside(UDID));
      const [backup] = await list();
      assert.equal(backup?.state, state);
      assert.equal(backup.udid, UDID);
      assert.equal(backup.deviceName, 'Test iPhone');
    });
  }

  it('reads property lists in XML, and old indexes', async () => {
    writeBackup(inside(UDID));
    fs.writeFileSync(
      path.join(inside(UDID), 'Manifest.plist'),
      encodeXmlPlist(dict({ IsEncrypted: true, Date: new Date('2013-01-01T00:00:00Z') })),
    );
    fs.renameSync(path.join(inside(UDID), 'Manifest.db'), path.join(inside(UDID), 'Manifest.mbdb'));
    const [backup] = await list();
    assert.deepEqual(
      [backup?.state, backup?.encrypted, backup?.deviceName, backup?.date],
      ['finished', true, 'Test iPhone', '2013-01-01T00:00:00.000Z'],
    );
  });

  it('writes nothing', async () => {
    writeBackup(inside(UDID));
    const before = readTree(folder.path);
    await list();
    await measureBackup(inside(UDID));
    assert.deepEqual(readTree(folder.path), before);
  });

  it('tells folders that cannot be read apart', async () => {
    for (const [code, state] of [
      ['EPERM', 'noPermission'],
      ['EACCES', 'noPermission'],
      ['EIO', 'offline'],
      ['ESTALE', 'offline'],
      ['ENOENT', 'missing'],
      ['ENOTDIR', 'error'],
    ] as const) {
      const fileSystem = failing(nodeFileSystem(), code, ({ name }) => name === 'readDirectory');
      assert.deepEqual(await listBackups([added()], { fileSystem }), { folders: [{ ...added(), state }], backups: [] });
    }
    assert.deepEqual(await listBackups([{ path: '/nowhere', kind: 'system' }]), { folders: [], backups: [] });
  });

  it('does not wait for a disk that says nothing, and asks it only once', async () => {
    let asked = 0;
    const fileSystem = intercepted(nodeFileSystem(), (call, run) => {
      if (call.path !== '/silent') return run();
      asked++;
      return new Promise(() => {});
    });
    writeBackup(inside(UDID));
    for (let round = 0; round < 3; round++) {
      const state = await listBackups([{ path: '/silent', kind: 'added' }, added()], { fileSystem, patienceMs: 30 });
      assert.deepEqual(
        state.folders.map(({ state: is }) => is),
        ['offline', 'ready'],
      );
      assert.equal(state.backups.length, 1);
    }
    assert.equal(asked, 1);
  });

  it('can be cancelled', async () => {
    await assert.rejects(listBackups([added()], { signal: AbortSignal.abort() }), { code: 'cancelled' });
  });

  it('lists 200 backups of big phones quickly', async () => {
    const apps = Object.fromEntries(
      Array.from({ length: 1200 }, (_, index) => [
        `com.example.app${index}`,
        dict({
          CFBundleIdentifier: `com.example.app${index}`,
          CFBundleVersion: '1.2.3',
          Path: `/private/var/containers/Bundle/Application/${index}`,
        }),
      ]),
    );
    const manifest = encodeBinaryPlist(
      dict({
        Version: '10.0',
        Date: new Date(),
        IsEncrypted: false,
        Lockdown: dict({ DeviceName: 'x', UniqueDeviceID: UDID, ProductVersion: '18.0', ProductType: 'iPhone16,1' }),
        Applications: dict(apps),
      }),
    );
    const icons = encodeXmlPlist(dict({ Applications: dict({ x: Buffer.alloc(7_000_000) }), 'Device Name': 'x' }));
    writeBackup(inside('template'));
    fs.writeFileSync(path.join(inside('template'), 'Manifest.plist'), manifest);
    fs.writeFileSync(path.join(inside('template'), 'Info.plist'), icons);
    for (let index = 0; index < 200; index++) {
      const backup = inside(`${UDID}-20240101-${String(100000 + index)}`);
      fs.mkdirSync(backup);
      for (const file of fs.readdirSync(inside('template')))
        fs.linkSync(path.join(inside('template'), file), path.join(backup, file));
    }
    const cpu = process.cpuUsage();
    assert.equal((await list()).length, 201);
    const { user, system } = process.cpuUsage(cpu);
    // 300 ms is the promise; what this process itself spends does not depend on who else uses the machine.
    assert.ok((user + system) / 1000 < 300, `${(user + system) / 1000} ms of CPU`);
  });
});

describe('plistFields()', () => {
  const value = dict({
    text: 'text',
    umlaut: 'Zoë 📱',
    long: 'x'.repeat(300),
    yes: true,
    no: false,
    number: 300,
    negative: -5,
    real: new PlistReal(1.5),
    date: new Date('2024-05-06T07:08:09Z'),
    inner: dict({ deep: dict({ text: 'found' }) }),
    data: Buffer.from('x'),
    many: dict(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`key ${index}`, index]))),
  });

  for (const [kind, bytes] of [
    ['binary', encodeBinaryPlist(value)],
    ['XML', Buffer.from(encodeXmlPlist(value))],
  ] as const) {
    it(`reads single fields of a ${kind} list`, () => {
      const fields = plistFields(bytes);
      assert.equal(fields('text'), 'text');
      assert.equal(fields('umlaut'), 'Zoë 📱');
      assert.equal(fields('long'), 'x'.repeat(300));
      assert.equal(fields('yes'), true);
      assert.equal(fields('no'), false);
      assert.equal(fields('number'), 300);
      assert.equal(fields('negative'), -5);
      assert.equal(fields('real'), 1.5);
      assert.deepEqual(fields('date'), new Date('2024-05-06T07:08:09Z'));
      assert.equal(fields('inner', 'deep', 'text'), 'found');
      assert.equal(fields('many', 'key 299'), 299);
      for (const nothing of [['none'], ['inner', 'none'], ['text', 'x'], ['data'], ['inner']])
        assert.equal(fields(...nothing), undefined);
    });
  }

  it('survives any damage', () => {
    const bytes = Buffer.from(encodeBinaryPlist(value));
    let random = 1;
    for (let round = 0; round < 5000; round++) {
      const damaged = Buffer.from(bytes);
      for (let count = 0; count < 3; count++) {
        random = (Math.imul(random, 1103515245) + 12345) >>> 0;
        damaged[round % 2 === 0 ? random % damaged.length : damaged.length - 1 - (random % 32)] = random >>> 24;
      }
      try {
        const fields = plistFields(damaged.subarray(0, round % 7 === 0 ? random % damaged.length : undefined));
        fields('inner', 'deep', 'text');
        fields('date');
      } catch (error) {
        assert.ok(error instanceof RangeError || (error as Error).name === 'PlistError', String(error));
      }
    }
  });
});

describe('infoFields()', () => {
  it('finds texts in a big Info.plist without decoding it', () => {
    const info = Buffer.from(
      encodeXmlPlist(
        dict({
          Applications: dict({ x: Buffer.alloc(300_000) }),
          'Device Name': 'A & B <3',
          'Last Backup Date': new Date('2024-01-02T03:04:05Z'),
        }),
      ),
    );
    const fields = infoFields(info);
    assert.equal(fields('Device Name'), 'A & B <3');
    assert.deepEqual(fields('Last Backup Date'), new Date('2024-01-02T03:04:05Z'));
    assert.equal(fields('Applications'), undefined);
    assert.equal(fields('none'), undefined);
  });
});

describe('measureBackup()', () => {
  it('counts as du does, and frees only what has no other name', async () => {
    const folder = temporaryFolder();
    const backup = path.join(folder.path, UDID);
    writeBackup(backup, { blobs: { [blobId('a')]: 'a'.repeat(100_000), [blobId('b')]: 'b'.repeat(50_000) } });
    const whole = await measureBackup(backup);
    const du = () =>
      Number(/^\d+/.exec(execFileSync('du', ['-s', '--block-size=1', backup], { encoding: 'utf8' }))?.[0]);
    assert.equal(whole.bytes, du());
    assert.equal(whole.freed, whole.bytes);
    assert.equal(whole.files, 6);

    const shared = path.join(backup, blobId('a').slice(0, 2), blobId('a'));
    fs.linkSync(shared, path.join(folder.path, 'version'));
    assert.deepEqual(await measureBackup(backup), { ...whole, freed: whole.bytes - fs.statSync(shared).blocks * 512 });

    // A second name inside counts once; with both inside it would go.
    fs.rmSync(path.join(folder.path, 'version'));
    fs.linkSync(shared, path.join(backup, 'twice'));
    const twice = await measureBackup(backup);
    assert.equal(twice.bytes, du());
    assert.equal(twice.freed, twice.bytes);
    folder.remove();
  });
});

describe('folderStateOf()', () => {
  const error = (code: string) => Object.assign(new Error(code), { code });
  for (const [code, place, platform, rootThere, state] of [
    ['ENOENT', '/home/me/backups', 'linux', true, 'missing'],
    ['ENOENT', '/media/me/disk/backups', 'linux', true, 'offline'],
    ['ENOENT', '/Volumes/Disk/Backups', 'darwin', true, 'offline'],
    ['ENOENT', '/Users/me/Backups', 'darwin', true, 'missing'],
    ['ENOENT', 'E:\\Backups', 'win32', false, 'offline'],
    ['ENOENT', 'C:\\Backups', 'win32', true, 'missing'],
    ['ENOENT', '\\\\server\\share', 'win32', true, 'offline'],
    ['EPERM', '/Users/me/Library', 'darwin', true, 'noPermission'],
    ['ETIMEDOUT', '/x', 'linux', true, 'offline'],
    ['EMFILE', '/x', 'linux', true, 'error'],
  ] as const) {
    it(`takes ${code} at ${place} on ${platform} for ${state}`, () =>
      assert.equal(folderStateOf(error(code), place, rootThere, platform), state));
  }
});

describe('systemFolders()', () => {
  it('knows where Finder, iTunes and Apple Devices write', () => {
    assert.deepEqual(systemFolders({ platform: 'darwin', home: '/Users/me', environment: {} }), [
      '/Users/me/Library/Application Support/MobileSync/Backup',
    ]);
    assert.deepEqual(systemFolders({ platform: 'linux', home: '/home/me', environment: {} }), []);
    assert.deepEqual(
      systemFolders({
        platform: 'win32',
        home: 'C:\\Users\\me',
        environment: { APPDATA: 'D:\\Roaming', USERPROFILE: 'C:\\Users\\me' },
      }),
      [
        'D:\\Roaming\\Apple Computer\\MobileSync\\Backup',
        'C:\\Users\\me\\Apple\\MobileSync\\Backup',
        'D:\\Roaming\\Apple\\MobileSync\\Backup',
      ],
    );
  });
});

describe('watchBackups()', () => {
  it('tells what is there, what changes, and nothing twice', async () => {
    const folder = temporaryFolder();
    const states: CatalogueState[] = [];
    let wake = () => {};
    const watch = watchBackups([{ path: folder.path, kind: 'own' }], (state) => (states.push(state), wake()), {
      log: silentLog,
      settleMs: 5,
      pollMs: 40,
    });
    const until = async (what: string, done: (state: CatalogueState) => boolean) => {
      const end = Date.now() + 5000;
      for (let last = states.at(-1); !last || !done(last); last = states.at(-1)) {
        assert.ok(Date.now() < end, what);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 100).unref();
        });
      }
    };
    const backup = path.join(folder.path, UDID);
    try {
      await until('the beginning', ({ backups }) => backups.length === 0);
      writeBackup(backup);
      await until('a new backup', ({ backups }) => backups[0]?.state === 'finished');
      fs.writeFileSync(path.join(backup, 'Status.plist'), statusPlist(new Date(), 'uploading'));
      await until('a change inside', ({ backups }) => backups[0]?.state === 'unfinished');
      await labelBackup(backup, 'my own');
      await until('a label', ({ backups }) => backups[0]?.label === 'my own');
      await watch.measure();
      await until('its size', ({ backups }) => backups[0]?.size?.files === 4);
      const told = states.length;
      await watch.rescan();
      await watch.rescan();
      assert.equal(states.length, told);
      fs.rmSync(folder.path, { recursive: true });
      await until('the folder is gone', ({ folders }) => folders[0]?.state === 'missing');
    } finally {
      watch.dispose();
      folder.remove();
    }
    const told = states.length;
    await assert.rejects(watch.rescan(), { code: 'cancelled' });
    assert.equal(states.length, told);
  });
});
