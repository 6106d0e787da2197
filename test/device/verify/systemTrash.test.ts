import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { labelBackup, listBackups, recover } from '../../../src/backups';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import { silentLog } from '../../../src/base/log';
import { readTree } from '../../support/backupFolders';
import { RealBackups } from '../../support/realBackups';

// What a desktop editor calls on Linux when it is asked to delete to the trash.
const hasTrash = process.platform === 'linux' && spawnSync('gio', ['--version']).status === 0;

(hasTrash ? describe : describe.skip)('a backup in the trash of the system', function () {
  this.timeout(60_000);
  let home: string;
  let folder: string;
  let device: RealBackups;

  beforeEach(async () => {
    // The trash of a user's own disk lies in the home: both are on the same one.
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'ios-backup-trash-'));
    folder = path.join(home, 'backups');
    fs.mkdirSync(folder);
    device = await RealBackups.start();
    for (let round = 0; round < 3; round++) {
      await device.change(4, round + 1);
      await device.make(folder);
      // Versions are named by the second: a later one must not take the name of one that is in the trash.
      await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
    }
  });
  afterEach(async () => {
    await device[Symbol.asyncDispose]();
    fs.rmSync(home, { recursive: true });
  });

  const trash = () => path.join(home, 'data', 'Trash');
  const gio = (...args: string[]) =>
    execFileSync('gio', ['trash', ...args], {
      env: { ...process.env, HOME: home, XDG_DATA_HOME: path.join(home, 'data') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const names = async () =>
    (await listBackups([{ path: folder, kind: 'own' }])).backups.map(({ path: one }) => path.basename(one));

  it('harms no other version, and is whole when it comes back', async () => {
    const [present = '', victim = '', oldest = ''] = await names();
    await labelBackup(path.join(folder, victim), 'before the trip');
    const before = readTree(path.join(folder, victim));
    gio(path.join(folder, victim));
    assert.deepEqual(fs.readdirSync(path.join(trash(), 'files')), [victim]);
    assert.match(fs.readFileSync(path.join(trash(), 'info', `${victim}.trashinfo`), 'utf8'), /^Path=.*backups/m);
    assert.deepEqual(await names(), [present, oldest]);
    await recover(folder, silentLog);
    for (const name of [present, oldest]) {
      const report = await verifyBackup({ path: path.join(folder, name), level: 'full' });
      assert.deepEqual([report.findings, report.hashesKnown], [[], true]);
    }
    // The next backup goes on from the present one as if nothing had been.
    await device.change(4, 9);
    await device.make(folder);

    fs.renameSync(path.join(trash(), 'files', victim), path.join(folder, victim));
    assert.deepEqual(readTree(path.join(folder, victim)), before);
    const report = await verifyBackup({ path: path.join(folder, victim), level: 'full' });
    assert.deepEqual([report.findings, report.hashesKnown], [[], true]);
    const { backups } = await listBackups([{ path: folder, kind: 'own' }]);
    assert.equal(backups.find(({ path: one }) => path.basename(one) === victim)?.label, 'before the trip');
  });

  it('that was the present one: the next is a full one, and the versions stay', async () => {
    const [present = '', ...versions] = await names();
    gio(path.join(folder, present));
    await recover(folder, silentLog);
    assert.deepEqual(await names(), versions);
    const { version } = await device.make(folder);
    assert.equal(version, undefined);
    assert.deepEqual(await device.device.virtual.compareFolder(folder), []);
    assert.deepEqual(await names(), [present, ...versions]);
    for (const name of [present, ...versions]) {
      assert.deepEqual((await verifyBackup({ path: path.join(folder, name), level: 'full' })).findings, []);
    }
  });
});
