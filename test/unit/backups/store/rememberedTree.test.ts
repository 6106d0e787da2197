import assert from 'node:assert/strict';
import type { BackupTree, TreeEntry } from '../../../../src/backups/store/backupTree';
import { rememberTree } from '../../../../src/backups/store/rememberedTree';

describe('rememberTree()', () => {
  let asked: string[];
  const entry = (name: string): TreeEntry => ({
    name,
    path: `/b/${name}`,
    type: 'file',
    sizeBytes: 1,
    modifiedMs: 2,
    inode: 3,
    device: 4,
    links: 1,
    allocatedBytes: 512,
  });
  const tree: BackupTree = {
    entries: (folder) => {
      asked.push(folder.join('/'));
      return Promise.resolve(folder.length === 0 ? [entry('one'), entry('two')] : [entry('three')]);
    },
  };

  beforeEach(() => (asked = []));

  it('gives the second what the first has seen, without another look', async () => {
    const { first, second } = rememberTree(tree);
    assert.deepEqual(await first.entries([]), [entry('one'), entry('two')]);
    assert.deepEqual(await second.entries([]), [entry('one'), entry('two')]);
    assert.deepEqual(await second.entries(['ab']), [entry('three')]);
    assert.deepEqual(asked, ['', 'ab']);
  });

  it('does not keep a folder whose parts lie in several places', async () => {
    const parts = [entry('one'), { ...entry('two'), path: '/elsewhere/two' }];
    const { first, second } = rememberTree({
      entries: (folder) => (asked.push(folder.join('/')), Promise.resolve(parts)),
    });
    await first.entries([]);
    assert.deepEqual(await second.entries([]), parts);
    assert.deepEqual(asked, ['', '']);
  });

  it('gives it once: who asks again sees what is there then', async () => {
    const { first, second } = rememberTree(tree);
    await first.entries([]);
    await second.entries([]);
    await second.entries([]);
    assert.deepEqual(asked, ['', '']);
  });

  it('keeps so many entries and no more', async () => {
    const { first, second } = rememberTree(tree, 2);
    await first.entries([]);
    await first.entries(['ab']);
    asked = [];
    await second.entries([]);
    await second.entries(['ab']);
    assert.deepEqual(asked, ['ab']);
  });
});
