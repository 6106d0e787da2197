import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import type { BackupStore } from '../../../src/device';
import { BackupFolders } from '../../../src/engine/backupFolders';
import { vectors } from '../../support/backupVectors';
import { readTree, statusPlist, temporaryFolder, UDID } from '../../support/backupFolders';
import { vectorPassword, writeVectorBackup } from '../../support/vectorBackup';

/** The device has said that it is done. What it has left is looked at before it counts. */
describe('a backup that is not whole', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let good: string;
  let backups: BackupFolders;

  beforeEach(() => {
    folder = temporaryFolder();
    good = path.join(folder.path, UDID);
    const made = writeVectorBackup();
    fs.cpSync(made, good, { recursive: true });
    fs.rmSync(made, { recursive: true });
    backups = new BackupFolders(silentLog, path.join(folder.path, '.state'));
  });
  afterEach(() => folder.remove());

  const signal = new AbortController().signal;
  const report = () => {};
  const names = () => fs.readdirSync(folder.path).filter((name) => !name.startsWith('.'));

  async function commit(
    change: (store: BackupStore) => Promise<unknown>,
    request: { readonly password?: string; readonly skipped?: ReadonlySet<string> } = {},
  ) {
    const staging = await backups.openStaging({
      folder: folder.path,
      udid: UDID,
      full: false,
      fresh: false,
      report,
      signal,
    });
    try {
      await change(staging.store);
      return await staging.commit({ skipped: new Set(), encrypted: true, report, signal, ...request });
    } finally {
      await staging.close();
    }
  }

  const [content] = vectors.files;
  const fileID = content?.fileID ?? '';
  const place = `${UDID}/${fileID.slice(0, 2)}/${fileID}`;
  const size = (content?.stored.length ?? 0) / 2;
  const write = (name: string, bytes: Uint8Array | string) => (store: BackupStore) =>
    store.writeFile(name.includes('/') ? name : `${UDID}/${name}`, Buffer.from(bytes));
  const remove = (name: string) => (store: BackupStore) => store.remove(`${UDID}/${name}`);

  const faults: readonly (readonly [what: string, change: (store: BackupStore) => Promise<unknown>])[] = [
    ['whose device stopped before its end', write('Status.plist', statusPlist(new Date(), 'uploading'))],
    ['without Status.plist', remove('Status.plist')],
    ['without Manifest.plist', remove('Manifest.plist')],
    ['without Manifest.db', remove('Manifest.db')],
    ['with an empty Manifest.db', write('Manifest.db', '')],
    ['with a Manifest.db that is none', write('Manifest.db', Buffer.alloc(8192, 7))],
    ['that lacks the content of a file', (store) => store.remove(place)],
    ['with a content that is too short', write(place, Buffer.alloc(size - 16, 1))],
    ['with a content that does not decrypt', write(place, Buffer.alloc(size, 1))],
  ];
  for (const [what, change] of faults) {
    it(`${what} does not take the place of the last one`, async () => {
      const before = readTree(good);
      await assert.rejects(commit(change, { password: vectorPassword }), (error) => {
        assert.ok(isAppError(error, 'backupIncomplete'), String(error));
        return true;
      });
      assert.deepEqual(readTree(good), before);
      assert.deepEqual(names(), [UDID]);
    });
  }

  it('that only lacks what the device could not read is whole', async () => {
    const made = await commit((store) => store.remove(place), {
      password: vectorPassword,
      skipped: new Set([fileID]),
    });
    assert.equal(made.passwordOpens, true);
    assert.equal(names().length, 2);
  });

  it('is found only with the password where all that is wrong is a content that is gone', async () => {
    const made = await commit((store) => store.remove(place));
    assert.equal(made.passwordOpens, undefined);
    assert.equal(names().length, 2, 'the one before stays as a version');
  });
});
