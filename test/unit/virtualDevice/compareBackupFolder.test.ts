import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { MemoryBackupHost } from '../../support/memoryBackupHost';
import { backupsOf, compareBackupFolder, differenceText, presetNamed } from '../../virtualDevice';
import { DeviceState } from '../../virtualDevice/deviceState';

/* Whoever relies on "no differences" has to know that there would have been some. */

describe('compareBackupFolder()', () => {
  let root: string;
  let device: DeviceState;

  async function backUp(password?: string): Promise<void> {
    const state = password === undefined ? {} : { backupPassword: password };
    device = new DeviceState(presetNamed('small', { state }), () => 1);
    const host = new MemoryBackupHost();
    assert.equal((await host.backUp(device)).code, 0);
    for (const [name, bytes] of host.files) {
      await fs.mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await fs.writeFile(path.join(root, name), bytes);
    }
    await fs.writeFile(
      inFolder('Info.plist'),
      `<plist><dict><key>Target Identifier</key><string>${device.udid}</string></dict></plist>`,
    );
  }

  const inFolder = (name: string) => path.join(root, device.udid, name);
  const compare = async (password?: string) =>
    (await compareBackupFolder(device, path.join(root, device.udid), password)).map(differenceText);

  /** The largest content of a file that carries a digest or does not. */
  async function someContent(digest: boolean): Promise<string> {
    const { fileIdOf } = await import('../../virtualDevice/content/fileId');
    const entry = backupsOf(device)
      .content.files()
      .filter(({ domain, size }) => (domain === 'HomeDomain') === digest && size > 100)
      .sort((a, b) => b.size - a.size)[0];
    assert.ok(entry);
    const id = fileIdOf(entry.domain, entry.path);
    return inFolder(`${id.slice(0, 2)}/${id}`);
  }

  beforeEach(async () => {
    root = await fs.mkdtemp(path.join(os.tmpdir(), 'compare-'));
  });
  afterEach(async () => {
    device.end();
    await fs.rm(root, { recursive: true });
  });

  for (const password of [undefined, 'sesam']) {
    const kind = password ? 'an encrypted' : 'a plain';

    it(`finds ${kind} backup equal`, async () => {
      await backUp(password);
      assert.deepEqual(await compare(), []);
    });

    it(`sees a single changed bit in ${kind} backup, anywhere in a content`, async () => {
      await backUp(password);
      const file = await someContent(false);
      const bytes = await fs.readFile(file);
      for (const at of [0, 15, 5000, bytes.length - 20, bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ 0x10;
        await fs.writeFile(file, changed);
        assert.equal((await compare()).length, 1, `bit in byte ${at}`);
      }
    });

    it(`sees contents of ${kind} backup that are missing, short, long, or too many`, async () => {
      await backUp(password);
      const file = await someContent(true);
      const bytes = await fs.readFile(file);
      for (const wrong of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.alloc(16)]), Buffer.alloc(0)]) {
        await fs.writeFile(file, wrong);
        assert.match((await compare()).join(), /bytes instead of/);
      }
      await fs.rm(file);
      assert.match((await compare()).join(), /cannot be opened: ENOENT/);
      await fs.writeFile(file, bytes);
      await fs.mkdir(inFolder('00'), { recursive: true });
      await fs.writeFile(inFolder(`00/${'0'.repeat(40)}`), '');
      await fs.mkdir(inFolder('Snapshot'));
      assert.deepEqual(await compare(), [
        `00/${'0'.repeat(40)}: does not belong there`,
        'Snapshot: does not belong there',
      ]);
    });
  }

  it('sees what has changed on the device since', async () => {
    await backUp();
    const { content } = backupsOf(device);
    content.put({ domain: 'HomeDomain', relativePath: 'new', kind: 'file', size: 3 });
    assert.match((await compare()).join(), /HomeDomain-new: no row/);
    content.remove('HomeDomain', 'new');
    content.touch('HomeDomain', 'Library/Hello.txt');
    assert.match((await compare()).join(), /LastModified/);
    content.remove('HomeDomain', 'Library/Hello.txt');
    const differences = (await compare()).join();
    assert.match(differences, /a row, but not on the device/);
    assert.match(differences, /does not belong there/);
  });

  it('sees plists and an index that are missing, damaged or of another device', async () => {
    await backUp();
    for (const name of ['Status.plist', 'Manifest.plist', 'Manifest.db', 'Info.plist']) {
      const bytes = await fs.readFile(inFolder(name));
      await fs.writeFile(inFolder(name), Buffer.alloc(0));
      assert.match((await compare()).join('\n'), new RegExp(`^${name}:`, 'm'));
      await fs.rm(inFolder(name));
      assert.match((await compare()).join('\n'), new RegExp(`^${name}: cannot be read: ENOENT`, 'm'));
      await fs.writeFile(inFolder(name), bytes);
    }
    backupsOf(device).beginNewLife();
    assert.deepEqual(await compare(), ['Status.plist: another device has written it']);
  });

  it('takes the password of an older backup, and sees that a wrong one does not open it', async () => {
    await backUp('old');
    device.backupPassword = 'new';
    assert.match((await compare()).join(), /password does not open/);
    assert.deepEqual(await compare('old'), []);
  });
});
