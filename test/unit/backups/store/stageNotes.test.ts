import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { readBackupDate } from '../../../../src/backups/store/readBackupDate';
import { readPrints } from '../../../../src/backups/store/sidecar';
import {
  isFresh,
  isSameRun,
  readStageNotes,
  runOfComputer,
  writeStageNotes,
  type StageNotes,
} from '../../../../src/backups/store/stageNotes';
import { storeEntry } from '../../../../src/backups/store/storeEntry';
import { dict, encodeBinaryPlist } from '../../../../src/plist';
import { asPlatform } from '../../../support/asPlatform';
import { statusPlist, temporaryFolder, UDID } from '../../../support/backupFolders';

const disk = nodeFileSystem();

describe('notes of a staging', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const notes: StageNotes = { version: 1, udid: UDID, mode: 'links', ready: true, createdAt: 'now' };
  const file = () => path.join(folder.path, 'stage.json');

  it('are read as they were written', async () => {
    assert.equal(await readStageNotes(disk, file()), undefined);
    for (const mode of ['links', 'reflinks', 'overlay', 'empty'] as const) {
      await writeStageNotes(disk, file(), { ...notes, mode });
      assert.deepEqual(await readStageNotes(disk, file()), { ...notes, mode });
    }
  });

  it('count for nothing when something in them is not ours', async () => {
    for (const [field, value] of [
      ['version', 2],
      ['udid', 5],
      ['ready', 'yes'],
      ['mode', 'other'],
      ['mode', undefined],
    ] as const) {
      fs.writeFileSync(file(), JSON.stringify({ ...notes, [field]: value }));
      assert.equal(await readStageNotes(disk, file()), undefined, field);
    }
    fs.writeFileSync(file(), 'null');
    assert.equal(await readStageNotes(disk, file()), undefined);
  });

  it('tell whether the finished backup is still the one that the staging began from', async () => {
    fs.writeFileSync(path.join(folder.path, 'Status.plist'), 's');
    fs.writeFileSync(path.join(folder.path, 'Manifest.plist'), 'm');
    fs.writeFileSync(path.join(folder.path, 'Manifest.db'), 'db');
    const seed = await readPrints(disk, folder.path);
    const seeded = { ...notes, seed };
    assert.equal(await isFresh(disk, notes, undefined), true);
    assert.equal(await isFresh(disk, seeded, undefined), false);
    assert.equal(await isFresh(disk, notes, folder.path), false);
    assert.equal(await isFresh(disk, seeded, folder.path), true);
    fs.writeFileSync(path.join(folder.path, 'Status.plist'), 'other');
    assert.equal(await isFresh(disk, seeded, folder.path), false);
    // The finished backup has lost what the staging knew of it.
    fs.rmSync(path.join(folder.path, 'Status.plist'));
    assert.equal(await isFresh(disk, seeded, folder.path), false);
  });

  it('know one run of the computer from another', async () => {
    assert.equal(isSameRun(runOfComputer(), runOfComputer()), true);
    const elsewhere = await asPlatform('darwin', () => runOfComputer());
    assert.match(elsewhere, /^began \d+$/);
    const minute = Number(elsewhere.slice(6));
    for (const [other, same] of [
      [`began ${minute + 2}`, true],
      [`began ${minute - 2}`, true],
      [`began ${minute + 3}`, false],
      [`began ${minute}x`, false],
      ['0f8fad5b-d9cb-469f-a165-70867728950e', false],
    ] as const) {
      assert.equal(isSameRun(elsewhere, other), same, other);
      assert.equal(isSameRun(other, elsewhere), same, other);
    }
    assert.equal(isSameRun('one', 'other'), false);
  });
});

describe('readBackupDate()', () => {
  it("is what Status.plist says, else the folder's", async () => {
    const folder = temporaryFolder();
    try {
      const status = path.join(folder.path, 'Status.plist');
      const made = new Date('2024-05-06T07:08:09Z');
      fs.writeFileSync(status, statusPlist(made));
      assert.deepEqual(await readBackupDate(disk, folder.path), made);
      const changed = new Date('2020-01-02T03:04:05Z');
      for (const bytes of [
        encodeBinaryPlist([1]),
        encodeBinaryPlist(dict({})),
        encodeBinaryPlist(dict({ Date: 'yesterday' })),
        statusPlist(new Date('1969-06-01T00:00:00Z')),
        statusPlist(new Date('+010001-01-01T00:00:00Z')),
        Buffer.from('no property list'),
        undefined,
      ]) {
        fs.rmSync(status);
        if (bytes) fs.writeFileSync(status, bytes);
        fs.utimesSync(folder.path, changed, changed);
        assert.deepEqual(await readBackupDate(disk, folder.path), changed);
        if (!bytes) fs.writeFileSync(status, '');
      }
    } finally {
      folder.remove();
    }
  });
});

describe('storeEntry()', () => {
  it('tells a device of a link as of something it does not know', () => {
    const entry = { name: 'x', sizeBytes: 5, modifiedMs: 1000, inode: 1, device: 1, links: 1, allocatedBytes: 0 };
    for (const [type, told] of [
      ['file', 'file'],
      ['directory', 'directory'],
      ['link', 'other'],
      ['other', 'other'],
    ] as const) {
      const expected = { name: 'x', type: told, sizeBytes: 5, modified: new Date(1000) };
      assert.deepEqual(storeEntry({ ...entry, type }), expected);
    }
  });
});
