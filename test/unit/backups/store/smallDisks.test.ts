import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../../src/backups/store/recover';
import { openStaging } from '../../../../src/backups/store/staging';
import { isAppError } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { blobId, readTree, statusPlist, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { withoutLinks } from '../../../support/fileSystemFaults';
import { blobPath, changed, kept } from '../../../support/incrementalRun';

// Mounting needs root on Linux; elsewhere full disks are simulated (crashes.test.ts).
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

(canMount ? describe : describe.skip)('a real small file system', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let place: string;
  const finished = () => path.join(place, UDID);

  beforeEach(() => {
    folder = temporaryFolder();
    place = path.join(folder.path, 'disk');
    fs.mkdirSync(place);
  });
  afterEach(() => {
    // Refused while a descriptor is left open.
    execFileSync('umount', [place]);
    folder.remove();
  });

  const mount = (sizeKiB: number) => execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'tmpfs', place]);
  const resize = (sizeKiB: number) => execFileSync('mount', ['-o', `remount,size=${sizeKiB}k`, place]);

  const backUp = async (fileSystem = nodeFileSystem()) => {
    const staging = await openStaging({ folder: place, udid: UDID, fileSystem });
    try {
      for (let index = 0; index < 20; index++) {
        await staging.store.writeFile(`${UDID}/Snapshot/${index}`, randomBytes(10_000));
        await staging.store.move(`${UDID}/Snapshot/${index}`, blobPath(blobId(`new ${index}`)));
      }
      const writer = await staging.store.create(blobPath(changed));
      try {
        for (let count = 0; count < 20; count++) await writer.write(randomBytes(10_001));
        await writer.commit();
      } finally {
        await writer.abort();
      }
      await staging.store.writeFile(`${UDID}/Status.plist`, statusPlist(new Date('2024-09-09T00:00:00Z')));
      await staging.commit(() => Promise.resolve());
    } finally {
      await staging.suspend();
    }
  };

  for (const [mode, wrap] of [
    ['links', nodeFileSystem],
    ['overlay', () => withoutLinks(nodeFileSystem())],
  ] as const) {
    it(`that is full at any of 20 sizes leaves the old backup as it was, by ${mode}`, async () => {
      mount(64 * 1024);
      writeBackup(finished(), { blobs: { [kept]: 'kept'.repeat(1000), [changed]: 'old'.repeat(1000) } });
      const before = readTree(finished());
      let full = 0;
      for (let step = 0; step < 20; step++) {
        const { bsize, blocks, bfree } = fs.statfsSync(place);
        resize(Math.ceil(((blocks - bfree) * bsize) / 1024) + 4 + step * 20);
        await assert.rejects(backUp(wrap()), (error: unknown) => {
          assert.ok(isAppError(error, 'hostDiskFull'), String(error));
          assert.equal(typeof error.details.path, 'string');
          return true;
        });
        full++;
        resize(64 * 1024);
        await recover(place, silentLog);
        assert.deepEqual(readTree(finished()), before, `step ${step}`);
        const partial = path.join(place, `.${UDID}.partial`);
        assert.deepEqual(
          fs.readdirSync(place).sort(),
          fs.existsSync(partial) ? ['.' + UDID + '.partial', '.ios-backup', UDID].sort() : ['.ios-backup', UDID],
        );
        // The last one is continued.
        if (step < 19) fs.rmSync(partial, { recursive: true, force: true });
      }
      assert.equal(full, 20);
      await backUp(wrap());
      assert.notDeepEqual(readTree(finished()), before);
    });
  }

  it('with a journal, of ext4, says that it is full in time and not afterwards', async () => {
    const image = path.join(folder.path, 'image');
    fs.closeSync(fs.openSync(image, 'w'));
    fs.truncateSync(image, 2 * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
    execFileSync('mount', ['-o', 'loop', image, place]);
    fs.rmSync(path.join(place, 'lost+found'), { recursive: true });
    writeBackup(finished(), { blobs: { [kept]: 'kept'.repeat(1000), [changed]: 'old'.repeat(1000) } });
    const before = readTree(finished());
    fs.writeFileSync(path.join(place, 'ballast'), '');
    const { bsize, bavail } = fs.statfsSync(place);
    fs.writeFileSync(path.join(place, 'ballast'), Buffer.alloc(Math.max(0, bsize * bavail - 250_000)));
    await assert.rejects(backUp(), (error: unknown) => isAppError(error, 'hostDiskFull'));
    assert.deepEqual(readTree(finished()), before);
    fs.rmSync(path.join(place, 'ballast'));
    await backUp();
    assert.notDeepEqual(readTree(finished()), before);
  });
});
