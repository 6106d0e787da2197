import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { FileStat } from '../../../../src/backups/store/fileSystem';
import { HashLog } from '../../../../src/backups/store/hashLog';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { silentLog } from '../../../../src/base/log';
import { temporaryFolder } from '../../../support/backupFolders';
import { fullAfter } from '../../../support/fileSystemFaults';

const stat = (inode: number, sizeBytes = 10, modifiedMs = 1000.5): FileStat => ({
  type: 'file',
  inode,
  sizeBytes,
  modifiedMs,
  device: 1,
  links: 1,
  allocatedBytes: 4096,
});
const sha = (text: string | number) => createHash('sha256').update(String(text)).digest();

describe('HashLog', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const open = (fileSystem = nodeFileSystem()) => new HashLog(fileSystem, path.join(folder.path, 'hashes'), silentLog);
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('finds files by inode, wherever they were moved, as long as they are untouched', async () => {
    const log = open();
    log.record('a', stat(1), sha('a'));
    const index = await log.index();
    assert.deepEqual(index.find('elsewhere', stat(1)), sha('a'));
    assert.equal(index.find('elsewhere', stat(2)), undefined);
    assert.equal(index.find('a', stat(1, 11)), undefined);
    assert.equal(index.find('a', stat(1, 10, 1000.6)), undefined);
    await log.close();
  });

  it('finds files by name where inodes do not last, or are too big to be told apart', async () => {
    const log = open();
    log.record('a', stat(1), sha('a'));
    log.record('b', stat(2 ** 60), sha('b'));
    log.record('c', stat(2 ** 60), sha('c'));
    const index = await log.index();
    assert.deepEqual(index.find('a', stat(99)), sha('a'));
    assert.deepEqual(index.find('b', stat(2 ** 60)), sha('b'));
    assert.deepEqual(index.find('c', stat(2 ** 60)), sha('c'));
    assert.equal(index.find('d', stat(2 ** 60)), undefined);
    await log.close();
  });

  it('lets the last record win', async () => {
    const log = open();
    for (const text of ['a', 'b', 'c']) log.record('x', stat(1), sha(text));
    const index = await log.index();
    assert.deepEqual(index.find('x', stat(1)), sha('c'));
    assert.deepEqual(index.find('x', stat(7)), sha('c'));
    await log.close();
  });

  it('goes on where another has ended, past a torn record', async () => {
    const first = open();
    for (let inode = 0; inode < 20_000; inode++) first.record(`name ${inode}`, stat(inode), sha(inode));
    await first.close();
    fs.appendFileSync(path.join(folder.path, 'hashes'), 'torn');
    const second = open();
    second.record('late', stat(20_000), sha('late'));
    const index = await second.index();
    for (let inode = 0; inode < 20_000; inode++) assert.deepEqual(index.find('', stat(inode)), sha(inode));
    assert.deepEqual(index.find('', stat(20_000)), sha('late'));
    await second.close();
  });

  it('is given up on a full disk, which harms nobody', async () => {
    const log = open(fullAfter(nodeFileSystem(), 100));
    log.record('a', stat(1), sha('a'));
    assert.equal(log.whole, true);
    await log.flush();
    log.record('b', stat(2), sha('b'));
    await log.flush();
    assert.equal(log.whole, false);
    const index = await log.index();
    assert.deepEqual(index.find('a', stat(1)), sha('a'));
    assert.equal(index.find('b', stat(2)), undefined);
    await log.close();
  });
});
