import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, test } from 'mocha';
import { getString, parsePlist, type PlistDict, type PlistValue } from '../../../src/plist';
import { PairedDevice } from './pairedDevice';

const run = promisify(execFile);

/** New at each backup. */
const CHANGING = ['GUID', 'Last Backup Date'];
/** Written by Finder and by us, not by idevicebackup2. */
const MORE = ['IMEI 2', 'Product Name'];

describe('Info.plist', () => {
  test("equals that of Debian's idevicebackup2, but for what changes by itself", async function () {
    this.slow(10_000);
    await using paired = await PairedDevice.start();
    await paired.backUp({ productName: 'iPhone 12' });
    const ours = parse(paired.store.files.get(`${paired.udid}/Info.plist`)!);
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'foreign-'));
    try {
      await run('idevicebackup2', ['-u', paired.udid, 'backup', folder], {
        env: { ...process.env, USBMUXD_SOCKET_ADDRESS: paired.host.address },
        timeout: 15_000,
      });
      const theirs = parse(await fs.readFile(path.join(folder, paired.udid, 'Info.plist')));
      const same = (info: PlistDict) =>
        [...info]
          .filter(([key]) => !CHANGING.includes(key) && !MORE.includes(key))
          .sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(same(ours), same(theirs));
      for (const key of CHANGING) assert.equal(kindOf(ours.get(key)), kindOf(theirs.get(key)));
      assert.match(getString(ours, 'GUID'), /^[0-9A-F]{32}$/);
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  });
});

function parse(content: Buffer): PlistDict {
  return parsePlist(content) as PlistDict;
}

function kindOf(value: PlistValue | undefined): string {
  return Object.prototype.toString.call(value);
}
