import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { systemError } from '../../../support/memoryStore';
import { LoopUnderTest } from './deviceSide';

function withFiles(files: Readonly<Record<string, string>>): LoopUnderTest {
  const loop = new LoopUnderTest();
  for (const [name, content] of Object.entries(files)) {
    loop.store.files.set(name, Buffer.from(content));
    for (let folder = name; folder !== '';) loop.store.folders.add((folder = folder.split('/').slice(0, -1).join('/')));
  }
  return loop;
}

function contents(loop: LoopUnderTest): Record<string, string> {
  return Object.fromEntries([...loop.store.files].map(([name, content]) => [name, content.toString()]));
}

describe('moves', () => {
  for (const name of ['DLMessageMoveItems', 'DLMessageMoveFiles']) {
    test(`${name} keeps the order of the dictionary, also of names that look like numbers`, async () => {
      const loop = withFiles({ 'U/10': 'ten', 'U/9': 'nine' });
      loop.send(
        name,
        new Map([
          ['U/10', 'U/b'],
          ['U/9', 'U/10'],
        ]),
        new Map(),
        95,
      );
      await loop.expectStatus(0);
      await loop.finish();
      assert.deepEqual(contents(loop), { 'U/b': 'ten', 'U/10': 'nine' });
    });
  }

  test('replaces a file and a folder, creates parents, leaves a move onto itself alone', async () => {
    const loop = withFiles({ 'U/new': 'new', 'U/old': 'old', 'U/dir/a': 'a', 'U/other/b': 'b', 'U/self': 'self' });
    loop.send(
      'DLMessageMoveItems',
      new Map([
        ['U/new', 'U/old'],
        ['U/dir', 'U/other'],
        ['U/self', 'U/./self'],
        ['U/other', 'U/x/y/z'],
      ]),
    );
    await loop.expectStatus(0);
    await loop.finish();
    assert.deepEqual(contents(loop), { 'U/old': 'new', 'U/x/y/z/a': 'a', 'U/self': 'self' });
  });

  test('ends at the first failure', async () => {
    const loop = withFiles({ 'U/a': 'a', 'U/c': 'c' });
    loop.send(
      'DLMessageMoveItems',
      new Map([
        ['U/a', 'U/b'],
        ['U/missing', 'U/x'],
        ['U/c', 'U/d'],
      ]),
    );
    await loop.expectStatus(-6);
    await loop.finish();
    assert.deepEqual(contents(loop), { 'U/b': 'a', 'U/c': 'c' });
  });
});

describe('the other file operations', () => {
  test('removals go on after a failure and tell the last; missing and empty names are fine', async () => {
    const loop = withFiles({ 'U/a': 'a', 'U/dir/b': 'b', 'U/stuck': 's', 'U/z': 'z' });
    loop.store.before = (operation, path) => {
      if (operation === 'remove' && path === 'U/stuck') throw systemError('EACCES');
    };
    loop.send('DLMessageRemoveItems', ['U/a', '', 'U/stuck', 'U/missing', 'U/dir', 'U/z'], new Map(), 97);
    await loop.expectStatus(-1);
    loop.send('DLMessageRemoveFiles', ['U/missing'], new Map(), 97);
    await loop.expectStatus(0);
    await loop.finish();
    assert.deepEqual(contents(loop), { 'U/stuck': 's' });
    assert.ok(!loop.store.calls.includes('remove '));
  });

  test('listing: one level; a missing folder is empty', async () => {
    const loop = withFiles({ 'U/file': 'four', 'U/dir/deep': 'x' });
    loop.send('DLContentsOfDirectory', 'U');
    const [, code, , value] = await loop.receive();
    assert.equal(code, 0);
    const listing = value as ReadonlyMap<string, ReadonlyMap<string, unknown>>;
    assert.deepEqual([...listing.keys()].sort(), ['dir', 'file']);
    assert.equal(listing.get('file')?.get('DLFileType'), 'DLFileTypeRegular');
    assert.equal(listing.get('file')?.get('DLFileSize'), 4);
    assert.ok(listing.get('file')?.get('DLFileModificationDate') instanceof Date);
    assert.equal(listing.get('dir')?.get('DLFileType'), 'DLFileTypeDirectory');
    loop.send('DLContentsOfDirectory', 'U/none');
    await loop.expectStatus(0);
    await loop.finish();
  });

  test('folders, copies and free space', async () => {
    const loop = withFiles({ 'U/a': 'a', 'U/dir/sub/b': 'b' });
    loop.store.freeBytes = 70_709_071_872;
    loop.send('DLMessageCreateDirectory', 'U/Snapshot/00', new Map());
    await loop.expectStatus(0);
    loop.send('DLMessageCreateDirectory', 'U/Snapshot/00', new Map());
    await loop.expectStatus(0);
    loop.send('DLMessageCopyItem', 'U/dir', 'V/dir');
    await loop.expectStatus(0);
    loop.send('DLMessageCopyItem', 'U/missing', 'V/x');
    await loop.expectStatus(-6);
    loop.send('DLMessageGetFreeDiskSpace');
    await loop.expectStatus(0, 70_709_071_872);
    await loop.finish();
    assert.ok(loop.store.folders.has('U/Snapshot/00'));
    assert.equal(contents(loop)['V/dir/sub/b'], 'b');
    assert.equal(loop.facts.freeBytes, 70_709_071_872);
  });

  test('a request to free space is refused and remembered', async () => {
    const loop = withFiles({});
    loop.send('DLMessagePurgeDiskSpace', 26_418_026_591, 4);
    await loop.expectStatus(-1);
    const response = await loop.finish(105, 'Insufficient free disk space on drive to back up (MBErrorDomain/105)');
    assert.equal(response.errorCode, 105);
    assert.equal(loop.facts.purgeBytes, 26_418_026_591);
  });

  for (const name of [
    'DLContentsOfDirectory',
    'DLMessageCreateDirectory',
    'DLMessageMoveItems',
    'DLMessageRemoveItems',
    'DLMessageCopyItem',
  ]) {
    test(`${name} without what it needs is refused, and the loop goes on`, async () => {
      const loop = withFiles({});
      loop.send(name);
      await loop.expectStatus(-1);
      loop.send(name, 7, 8);
      await loop.expectStatus(-1);
      loop.send('DLMessageGetFreeDiskSpace');
      await loop.expectStatus(0, 1e12);
      await loop.finish();
    });
  }
});
