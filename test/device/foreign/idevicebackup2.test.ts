import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runTool, type ToolResult } from '../../support/foreignTool';
import { contentHashes, readIndependently } from '../../support/independentReader';
import { presetNamed, VirtualDeviceHost, type LocalDevice } from '../../virtualDevice';
import { stateDigest } from '../../virtualDevice/content/stateDigest';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';

/* Debian's idevicebackup2 1.3.0 against the virtual device: what it makes must equal the device, and be readable to others. */

type Changes = Parameters<typeof presetNamed>[1];

const PASSWORD = 'pässwörd 🔑';

describe('idevicebackup2 and the virtual device', function () {
  this.timeout(60_000);
  let root: string;
  let host: VirtualDeviceHost;
  let device: LocalDevice;

  async function start(changes: Changes = {}): Promise<void> {
    host = await VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });
    device = host.device;
    await runTool('idevicepair', ['pair'], host.address);
  }

  const run = (...args: string[]): Promise<ToolResult> =>
    runTool('idevicebackup2', [...args, root], host.address, 30_000);
  const content = () => backupsOf(device.state).content;
  const digest = () => stateDigest(content());
  const folder = () => path.join(root, device.udid);
  const logged = () => device.state.logEntries.map(({ text }) => text).join('\n');

  async function succeeds(result: Promise<ToolResult>, text: RegExp): Promise<void> {
    const { code, output } = await result;
    assert.equal(code, 0, output);
    assert.match(output, text);
    assert.doesNotMatch(logged(), /REFUSED/);
  }

  /** Another reader finds each file with the bytes that the device has. */
  async function readableElsewhere(password?: string): Promise<void> {
    const reading = await readIndependently(folder(), password);
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.encrypted, password !== undefined);
    assert.equal(reading.rows.length, content().count);
    const found = reading.rows
      .filter(([, , , flags]) => flags === 1)
      .map((row) => [`${row[1]}-${row[2]}`, row[5]] as const);
    assert.deepEqual(new Map(found), contentHashes(content()));
  }

  beforeEach(async () => {
    root = await fs.mkdtemp(path.join(os.tmpdir(), 'idevicebackup2-'));
  });

  afterEach(async () => {
    await host.stop();
    await fs.rm(root, { recursive: true });
  });

  it('backs up fully, and after three rounds of changes only what has changed', async () => {
    await start();
    await succeeds(run('backup', '--full'), /Backup Successful/);
    assert.deepEqual(await device.compareFolder(root), []);
    await readableElsewhere();
    for (const round of [1, 2, 3]) {
      assert.ok((await device.changeFiles(9, round)).length > 5);
      assert.notDeepEqual(await device.compareFolder(root), [], 'the device has changed');
      await succeeds(run('backup'), /Backup Successful/);
      assert.deepEqual(await device.compareFolder(root), []);
      assert.match(logged(), /incremental backup: \d+ files to upload \(\d+ bytes\), [1-9]/);
    }
    await readableElsewhere();
  });

  it('sets, changes and takes away the password, and backs up encrypted in between', async () => {
    await start({ passcode: '1234' });
    await succeeds(run('backup', '--full'), /Backup Successful/);
    await succeeds(run('encryption', 'on', 'first'), /success/i);
    assert.equal(device.state.backupPassword, 'first');
    assert.match(logged(), /passcode sheet shown/);
    assert.notEqual((await run('changepw', 'wrong', 'x')).code, 0);
    assert.equal(device.state.backupPassword, 'first');
    await succeeds(run('changepw', 'first', PASSWORD), /success/i);
    assert.equal(device.state.backupPassword, PASSWORD);

    await succeeds(run('backup'), /Backup Successful/);
    assert.match(logged(), /the password has changed since the last backup there\s+full backup/);
    assert.deepEqual(await device.compareFolder(root), []);
    await readableElsewhere(PASSWORD);
    await assert.rejects(readIndependently(folder(), 'first'), /wrong password/);

    await device.changeFiles(9, 4);
    await succeeds(run('backup'), /Backup Successful/);
    assert.match(logged(), /incremental backup/);
    assert.deepEqual(await device.compareFolder(root), []);
    await readableElsewhere(PASSWORD);

    await succeeds(run('encryption', 'off', PASSWORD), /success/i);
    assert.equal(device.state.backupPassword, undefined);
    await succeeds(run('backup'), /Backup Successful/);
    assert.deepEqual(await device.compareFolder(root), []);
    await readableElsewhere();
  });

  it('restores a backup to the erased device', async () => {
    await start();
    await succeeds(run('backup', '--full'), /Backup Successful/);
    const before = digest();
    await device.changeFiles(9, 5);
    content().removeFiles(4, 6);
    assert.notEqual(digest(), before);
    const id = device.state.attachments[0]?.deviceId;
    await succeeds(run('restore', '--system', '--settings', '--remove'), /Restore Successful/);
    assert.equal(digest(), before);
    const apps = device.state.description.apps.filter(({ store }) => store).map(({ bundleId }) => bundleId);
    assert.deepEqual(backupsOf(device.state).restoreApplications?.toSorted(), apps.toSorted());
    await until(() => device.state.attachments[0] !== undefined && device.state.attachments[0].deviceId !== id);
    await succeeds(run('backup'), /Backup Successful/);
    assert.deepEqual(await device.compareFolder(root), []);
  });

  it('restores an encrypted backup with its password only', async () => {
    await start({ state: { backupPassword: PASSWORD } });
    await succeeds(run('backup', '--full'), /Backup Successful/);
    const before = digest();
    content().clear();
    const wrong = await run('restore', '--system', '--settings', '--remove', '--password', 'wrong');
    assert.match(wrong.output, /password|207/i);
    assert.equal(content().count, 0);
    await succeeds(run('restore', '--system', '--settings', '--remove', '--password', PASSWORD), /Restore Successful/);
    assert.equal(digest(), before);
  });

  it('keeps settings and system files of the device unless told otherwise', async () => {
    await start();
    content().put({ domain: 'RootDomain', relativePath: 'Library/a', kind: 'file', size: 5000 });
    await succeeds(run('backup', '--full'), /Backup Successful/);
    content().changeFiles(100, 7);
    content().put({ domain: 'HomeDomain', relativePath: 'Library/new', kind: 'file', size: 100 });
    const kept = stateDigest(content(), isKept);
    await succeeds(run('restore', '--no-reboot'), /Restore Successful/);
    assert.equal(stateDigest(content(), isKept), kept);
    assert.equal(content().find('HomeDomain', 'Library/Hello.txt')?.revision, 0);
    const second = await run('restore');
    assert.match(second.output, /102/);
  });

  const refusals: readonly [name: string, state: NonNullable<Changes>['state'], answer: RegExp][] = [
    ['management forbids backups', { backupForbidden: true }, /38/],
    ['the Setup Assistant is not finished', { setupDone: false }, /212/],
    ['the device is told to fail', { failWith: 100 }, /100/],
  ];
  for (const [name, state, answer] of refusals) {
    it(`is refused when ${name}`, async () => {
      await start({ ...(state ? { state } : {}) });
      const { code, output } = await run('backup', '--full');
      assert.notEqual(code, 0);
      assert.match(output, answer);
    });
  }

  it('is refused when the passcode is not entered', async () => {
    await start({ passcode: '1', state: { passcodePrompt: 'refuse' } });
    assert.match((await run('backup', '--full')).output, /208/);
    assert.match((await run('encryption', 'on', 'x')).output, /208|Could not enable/);
  });

  it('is refused a restore while Find My is on', async () => {
    await start();
    await succeeds(run('backup', '--full'), /Backup Successful/);
    const before = digest();
    await device.set({ findMy: true });
    assert.match((await run('restore')).output, /Find My/);
    assert.equal(digest(), before);
  });

  it('says that the device has nothing to list, as phones since iOS 10 do', async () => {
    await start();
    await succeeds(run('backup', '--full'), /Backup Successful/);
    const { output } = await run('list');
    assert.match(output, /Manifest\.mbdb|205/);
  });
});

function isKept({ domain, path: name }: { readonly domain: string; readonly path: string }): boolean {
  return domain === 'RootDomain' || (domain === 'HomeDomain' && /^Library\/(Preferences\/|new)/.test(name));
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error('it did not happen within 5 s');
  }
}
