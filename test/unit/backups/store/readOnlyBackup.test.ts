import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openReadOnlyBackup } from '../../../../src/backups/store/readOnlyBackup';
import type { BackupStore } from '../../../../src/device';
import { blobId, readTree, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';

describe('openReadOnlyBackup()', () => {
  const blob = blobId('one');
  let folder: ReturnType<typeof temporaryFolder>;
  let backup: string;
  let store: BackupStore;

  beforeEach(async () => {
    folder = temporaryFolder();
    backup = path.join(folder.path, 'My old phone');
    writeBackup(backup, { blobs: { [blob]: 'content' } });
    store = await openReadOnlyBackup({ path: backup, udid: UDID });
  });
  afterEach(() => folder.remove());

  async function read(place: string): Promise<string> {
    await using reader = await store.openRead(place);
    const bytes = Buffer.alloc(100);
    return bytes.toString('utf8', 0, await reader.read(bytes));
  }

  it('shows a backup of any name as the device expects it', async () => {
    assert.equal(await read(`${UDID}/${blob.slice(0, 2)}/${blob}`), 'content');
    assert.equal(await read(`/${UDID}//./${blob.slice(0, 2)}/${blob}`), 'content');
    const names = async (place: string) => (await store.list(place)).map(({ name, type }) => `${name} ${type}`).sort();
    assert.deepEqual(await names(''), [`${UDID} directory`]);
    assert.deepEqual(
      await names(UDID),
      [`${blob.slice(0, 2)} directory`, ...['Info', 'Manifest', 'Status'].map((name) => `${name}.plist file`)]
        .concat('Manifest.db file')
        .sort(),
    );
    assert.deepEqual(await names(`${UDID}/nothing`), []);
    assert.ok((await store.freeSpace()) > 0);
  });

  it('refuses every change, and writes nothing anywhere', async () => {
    const before = readTree(folder.path);
    const status = `${UDID}/Status.plist`;
    for (const change of [
      store.writeFile(status, Buffer.from('x')),
      store.create(`${UDID}/new`),
      store.makeDirectory(`${UDID}/new`),
      store.move(status, `${UDID}/x`),
      store.remove(status),
      store.copy(UDID, '.b/1'),
    ]) {
      await assert.rejects(change, { code: 'notAllowed' });
    }
    assert.deepEqual(readTree(folder.path), before);
  });

  it('does not lead outside', async () => {
    fs.writeFileSync(path.join(folder.path, 'secret'), 'secret');
    fs.symlinkSync(path.join(folder.path, 'secret'), path.join(backup, 'link'));
    fs.symlinkSync(folder.path, path.join(backup, 'folder'));
    await assert.rejects(read(`${UDID}/../secret`), { code: 'unsafePath' });
    await assert.rejects(read('secret'), { code: 'unsafePath' });
    await assert.rejects(read('.b/secret'), { code: 'ENOENT' });
    await assert.rejects(read(`${UDID}/link`), { code: 'ELOOP' });
    await assert.rejects(read(`${UDID}/folder/secret`), { code: 'ELOOP' });
    await assert.rejects(read(`${UDID}/Info.plist/x`), { code: 'ENOTDIR' });
    await assert.rejects(read(`${UDID}/no/file`), { code: 'ENOENT' });
    await assert.rejects(read(UDID), { code: 'EISDIR' });
  });

  it('takes only a backup, and only a UDID', async () => {
    await assert.rejects(openReadOnlyBackup({ path: folder.path, udid: UDID }), { code: 'notABackup' });
    await assert.rejects(openReadOnlyBackup({ path: backup, udid: '../x' }), { code: 'unsafePath' });
  });
});
