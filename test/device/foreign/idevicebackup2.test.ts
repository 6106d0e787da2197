import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { runTool, type ToolResult } from '../../support/foreignTool';
import { contentHashes, readIndependently } from '../../support/independentReader';
import { presetNamed, VirtualDeviceHost, type LocalDevice } from '../../virtualDevice';
import type { DeviceContent } from '../../virtualDevice/content/deviceContent';
import { stateDigest } from '../../virtualDevice/content/stateDigest';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';

/* Debian's idevicebackup2 1.3.0 against the virtual device: what it makes must equal the device, and be readable to others. */

type Changes = Parameters<typeof presetNamed>[1];

const PASSWORD = 'pässwörd 🔑';

/** A virtual device that has been paired, and a folder for its backups. */
class Story implements AsyncDisposable {
  private constructor(
    readonly host: VirtualDeviceHost,
    readonly root: string,
  ) {}

  static async begin(changes: Changes = {}): Promise<Story> {
    const host = await VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });
    const root = await fs.mkdtemp(path.join(os.tmpdir(), 'idevicebackup2-'));
    await runTool('idevicepair', ['pair'], host.address);
    return new Story(host, root);
  }

  get device(): LocalDevice {
    return this.host.device;
  }

  get content(): DeviceContent {
    return backupsOf(this.device.state).content;
  }

  get digest(): string {
    return stateDigest(this.content);
  }

  get logged(): string {
    return this.device.state.logEntries.map(({ text }) => text).join('\n');
  }

  run(...args: string[]): Promise<ToolResult> {
    return runTool('idevicebackup2', [...args, this.root], this.host.address, 30_000);
  }

  async succeeds(text: RegExp, ...args: string[]): Promise<void> {
    const { code, output } = await this.run(...args);
    assert.equal(code, 0, output);
    assert.match(output, text);
    assert.doesNotMatch(this.logged, /REFUSED/);
  }

  /** Backs up, and the folder equals the device. */
  async backsUp(...args: string[]): Promise<void> {
    await this.succeeds(/Backup Successful/, 'backup', ...args);
    assert.deepEqual(await this.device.compareFolder(this.root), []);
  }

  /** Another reader finds each file with the bytes that the device has. */
  async readableElsewhere(password?: string): Promise<void> {
    const reading = await readIndependently(path.join(this.root, this.device.udid), password);
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.encrypted, password !== undefined);
    assert.equal(reading.rows.length, this.content.count);
    const files = reading.rows.filter(([, , , flags]) => flags === 1);
    const found = files.map((row) => [`${row[1]}-${row[2]}`, row[5]] as const);
    assert.deepEqual(new Map(found), contentHashes(this.content));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.stop();
    await fs.rm(this.root, { recursive: true });
  }
}

const EVERYTHING = ['--system', '--settings', '--remove'];

describe('idevicebackup2 and the virtual device', function () {
  this.timeout(60_000);

  it('backs up fully, and after three rounds of changes only what has changed', async () => {
    await using story = await Story.begin();
    await story.backsUp('--full');
    await story.readableElsewhere();
    for (const round of [1, 2, 3]) {
      assert.ok((await story.device.changeFiles(9, round)).length > 5);
      assert.notDeepEqual(await story.device.compareFolder(story.root), [], 'the device has changed');
      await story.backsUp();
      assert.match(story.logged, /incremental backup: \d+ files to upload \(\d+ bytes\), [1-9]/);
    }
    await story.readableElsewhere();
  });

  it('sets, changes and takes away the password, and backs up encrypted in between', async () => {
    await using story = await Story.begin({ passcode: '1234' });
    const { state } = story.device;
    await story.backsUp('--full');
    await story.succeeds(/success/i, 'encryption', 'on', 'first');
    assert.equal(state.backupPassword, 'first');
    assert.match(story.logged, /passcode sheet shown/);
    assert.notEqual((await story.run('changepw', 'wrong', 'x')).code, 0);
    assert.equal(state.backupPassword, 'first');
    await story.succeeds(/success/i, 'changepw', 'first', PASSWORD);
    assert.equal(state.backupPassword, PASSWORD);

    await story.backsUp();
    assert.match(story.logged, /the password has changed since the last backup there\s+full backup/);
    await story.readableElsewhere(PASSWORD);
    const folder = path.join(story.root, story.device.udid);
    await assert.rejects(readIndependently(folder, 'first'), /wrong password/);

    await story.device.changeFiles(9, 4);
    await story.backsUp();
    assert.match(story.logged, /incremental backup/);
    await story.readableElsewhere(PASSWORD);

    await story.succeeds(/success/i, 'encryption', 'off', PASSWORD);
    assert.equal(state.backupPassword, undefined);
    await story.backsUp();
    await story.readableElsewhere();
  });

  it('restores a backup to a device that has changed since', async () => {
    await using story = await Story.begin();
    const { state } = story.device;
    await story.backsUp('--full');
    const before = story.digest;
    await story.device.changeFiles(9, 5);
    story.content.removeFiles(4, 6);
    assert.notEqual(story.digest, before);
    const id = state.attachments[0]?.deviceId;
    await story.succeeds(/Restore Successful/, 'restore', ...EVERYTHING);
    assert.equal(story.digest, before);
    const apps = state.description.apps.filter(({ store }) => store).map(({ bundleId }) => bundleId);
    assert.deepEqual(backupsOf(state).restoreApplications?.toSorted(), apps.toSorted());
    await until(() => state.attachments[0] !== undefined && state.attachments[0].deviceId !== id);
    await story.backsUp();
  });

  it('restores an encrypted backup with its password only', async () => {
    await using story = await Story.begin({ state: { backupPassword: PASSWORD } });
    await story.backsUp('--full');
    const before = story.digest;
    story.content.clear();
    const wrong = await story.run('restore', ...EVERYTHING, '--password', 'wrong');
    assert.match(wrong.output, /password|207/i);
    assert.equal(story.content.count, 0);
    await story.succeeds(/Restore Successful/, 'restore', ...EVERYTHING, '--password', PASSWORD);
    assert.equal(story.digest, before);
  });

  it('keeps settings and system files of the device unless told otherwise', async () => {
    await using story = await Story.begin();
    const { content } = story;
    content.put({ domain: 'RootDomain', relativePath: 'Library/a', kind: 'file', size: 5000 });
    await story.backsUp('--full');
    content.changeFiles(100, 7);
    content.put({ domain: 'HomeDomain', relativePath: 'Library/new', kind: 'file', size: 100 });
    const kept = stateDigest(content, isKept);
    await story.succeeds(/Restore Successful/, 'restore', '--no-reboot');
    assert.equal(stateDigest(content, isKept), kept);
    assert.equal(content.find('HomeDomain', 'Library/Hello.txt')?.revision, 0);
    assert.match((await story.run('restore')).output, /102/);
  });

  it('says why the device refuses', async () => {
    const cases: readonly [Changes, RegExp, ...string[]][] = [
      [{ state: { backupForbidden: true } }, /38/, 'backup', '--full'],
      [{ state: { setupDone: false } }, /212/, 'backup', '--full'],
      [{ state: { failWith: 100 } }, /100/, 'backup', '--full'],
      [{ passcode: '1', state: { passcodePrompt: 'refuse' } }, /208/, 'backup', '--full'],
      [{ passcode: '1', state: { passcodePrompt: 'refuse' } }, /208|Could not enable/, 'encryption', 'on', 'x'],
      [{}, /Manifest\.mbdb|205/, 'list'],
    ];
    // At the same time: the tool spends most of its own in pauses.
    await Promise.all(
      cases.map(async ([changes, answer, ...args]) => {
        await using story = await Story.begin(changes);
        const { code, output } = await story.run(...args);
        assert.notEqual(code, 0, args.join(' '));
        assert.match(output, answer, args.join(' '));
      }),
    );
  });

  it('is refused a restore while Find My is on', async () => {
    await using story = await Story.begin();
    await story.backsUp('--full');
    const before = story.digest;
    await story.device.set({ findMy: true });
    assert.match((await story.run('restore')).output, /Find My/);
    assert.equal(story.digest, before);
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
