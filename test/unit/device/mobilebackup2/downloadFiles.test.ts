import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { systemError } from '../../../support/memoryStore';
import { LoopUnderTest } from './deviceSide';

const BLOCK = 32 * 1024;

describe('DLMessageDownloadFiles', () => {
  test('sends files in blocks of at most 32 KiB, in the order asked for', async () => {
    const loop = new LoopUnderTest();
    const contents = new Map(
      [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 1_000_003].map((size, i) => [
        `U/${size}`,
        Buffer.alloc(size, `content ${i} `),
      ]),
    );
    for (const [name, content] of contents) loop.store.files.set(name, content);
    const names = [...contents.keys(), 'U/1'];
    const files = await loop.download(names);
    await loop.expectStatus(0);
    assert.deepEqual(
      files.map(({ name }) => name),
      names,
    );
    for (const { name, content, blockSizes, error } of files) {
      assert.ok(content.equals(contents.get(name)!), name);
      assert.ok(Math.max(0, ...blockSizes) <= BLOCK, name);
      assert.equal(error, undefined);
    }
    assert.deepEqual(files[0]?.blockSizes, []);
    await loop.finish();
  });

  test('an empty list gets its terminator and an answer', async () => {
    const loop = new LoopUnderTest();
    assert.deepEqual(await loop.download([]), []);
    await loop.expectStatus(0);
    await loop.finish();
  });

  test('missing, folder and unreadable are told in their place, and the rest follows', async () => {
    const loop = new LoopUnderTest();
    loop.store.files.set('U/there', Buffer.from('there'));
    loop.store.files.set('U/denied', Buffer.from('denied'));
    await loop.store.makeDirectory('U/folder');
    loop.store.before = (operation, path) => {
      if (operation === 'openRead' && path === 'U/denied') throw systemError('EACCES');
    };
    const files = await loop.download(['U/missing', 'U/folder', 'U/denied', '../out', 'U/there']);
    assert.deepEqual(
      files.map(({ name, content, error }) => [name, content.toString(), error]),
      [
        ['U/missing', '', 'No such file or directory'],
        ['U/folder', '', 'Is a directory'],
        ['U/denied', '', 'Permission denied'],
        ['../out', '', 'Path not allowed'],
        ['U/there', 'there', undefined],
      ],
    );
    await loop.expectStatus(-13, {
      'U/missing': { DLFileErrorString: 'No such file or directory', DLFileErrorCode: -6 },
      'U/folder': { DLFileErrorString: 'Is a directory', DLFileErrorCode: -9 },
      'U/denied': { DLFileErrorString: 'Permission denied', DLFileErrorCode: -1 },
      '../out': { DLFileErrorString: 'Path not allowed', DLFileErrorCode: -1 },
    });
    await loop.finish();
  });

  test('a failure in the middle of a file follows its last complete block', async () => {
    const loop = new LoopUnderTest();
    loop.store.files.set('U/bad', Buffer.alloc(10 * BLOCK, 'x'));
    let reads = 0;
    loop.store.before = (operation) => {
      if (operation === 'read' && ++reads === 2) throw systemError('EIO');
    };
    const [file] = await loop.download(['U/bad']);
    assert.equal(file?.error, 'Input/output error');
    assert.equal(file?.content.length, 4 * BLOCK);
    await loop.expectStatus(-13, { 'U/bad': { DLFileErrorString: 'Input/output error', DLFileErrorCode: -11 } });
    await loop.finish();
  });

  test('a thousand small files arrive in order', async () => {
    const loop = new LoopUnderTest();
    const names = Array.from({ length: 1000 }, (_, i) => `U/${i}`);
    for (const name of names) loop.store.files.set(name, Buffer.from(name));
    loop.store.before = () => new Promise((resolve) => setImmediate(resolve));
    const files = await loop.download(names);
    assert.ok(files.every(({ name, content }) => content.toString() === name));
    await loop.expectStatus(0);
    await loop.finish();
  });

  test('a list that is none gets an answer', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageDownloadFiles', 'U/a');
    assert.deepEqual(await loop.receiveFiles(), []);
    await loop.expectStatus(-1);
    await loop.finish();
  });
});
