import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { systemError } from '../../../support/memoryStore';
import { block, LoopUnderTest, message, uint32, uploadStream } from './deviceSide';

describe('DLMessageUploadFiles', () => {
  for (const segmentation of ['asSent', 'oneByte', 'together'] as const) {
    test(`stores files of every kind, bytes arriving ${segmentation}`, async () => {
      const loop = new LoopUnderTest({ segmentation });
      const big = Buffer.alloc(segmentation === 'oneByte' ? 300_000 : 3_000_000, 'big');
      loop.upload([
        { name: 'U/one', blocks: ['hello ', 'world'] },
        { name: 'U/empty' },
        { name: 'U/emptyBlock', blocks: [''] },
        { name: 'U/big', blocks: [big.subarray(0, 100_000), big.subarray(100_000)] },
        { name: 'U/ünïcode 🎉', blocks: ['x'] },
      ]);
      await loop.expectStatus(0);
      loop.upload([{ name: 'U/second', blocks: ['batch'] }]);
      await loop.expectStatus(0);
      await loop.finish();
      assert.deepEqual(
        [...loop.store.files].map(([name, content]) => [name, content.length]).sort(),
        [
          ['U/big', big.length],
          ['U/empty', 0],
          ['U/emptyBlock', 0],
          ['U/one', 11],
          ['U/second', 5],
          ['U/ünïcode 🎉', 1],
        ].sort(),
      );
      assert.ok(loop.store.files.get('U/big')?.equals(big));
      assert.equal(loop.progress.files, 6);
      assert.equal(loop.progress.bytes, big.length + 11 + 5 + 1);
    });
  }

  test('an empty list is answered', async () => {
    const loop = new LoopUnderTest();
    loop.upload([]);
    await loop.expectStatus(0);
    await loop.finish();
  });

  test('a file that the device cannot read is skipped, told and no failure', async () => {
    const loop = new LoopUnderTest();
    loop.upload([
      { name: 'U/unreadable', end: { code: 0x0b, text: 'Input/output error' } },
      { name: 'U/cut', blocks: ['half'], end: { code: 0x0b, text: 'went away' } },
      { name: 'U/newFlag', end: { code: 0x06, text: 'new' } },
      { name: 'U/good', blocks: ['good'] },
    ]);
    await loop.expectStatus(0);
    await loop.finish();
    assert.deepEqual([...loop.store.files.keys()].sort(), ['U/cut', 'U/good']);
    assert.deepEqual(
      loop.facts.skipped.map(({ hostPath, reason, kept }) => [hostPath, reason, kept]),
      [
        ['U/unreadable', 'Input/output error', false],
        ['U/cut', 'went away', true],
        ['U/newFlag', 'new', false],
      ],
    );
    assert.equal(loop.progress.warnings, 3);
    assert.equal(loop.facts.localError, undefined);
  });

  test('a batch larger than announced is received whole, and progress stays below 1', async () => {
    const loop = new LoopUnderTest();
    loop.upload([{ name: 'U/a', blocks: [Buffer.alloc(5000)] }], { total: 10, percent: 40 });
    await loop.expectStatus(0);
    loop.upload([{ name: 'U/b', blocks: [Buffer.alloc(50)] }], { total: 1e15, percent: 30 });
    await loop.expectStatus(0);
    await loop.finish();
    assert.equal(loop.store.files.get('U/a')?.length, 5000);
    const fractions = loop.reports.map(({ fraction }) => fraction ?? 0);
    assert.deepEqual(
      fractions,
      [...fractions].sort((a, b) => a - b),
    );
    assert.equal(fractions.at(-1), 0.4);
  });

  for (const [name, error, code] of [
    ['a full disk', systemError('ENOSPC'), -15],
    ['an I/O error', systemError('EIO'), -11],
    ['no permission', systemError('EACCES'), -1],
  ] as const) {
    test(`${name} is told after the whole stream was read, small files`, async () => {
      const loop = new LoopUnderTest();
      loop.store.before = (operation, path) => {
        if (operation === 'writeFile' && path === 'U/1') throw error;
      };
      loop.upload(Array.from({ length: 50 }, (_, i) => ({ name: `U/${i}`, blocks: [Buffer.alloc(100, i)] })));
      await loop.expectStatus(code);
      loop.upload([{ name: 'U/next', blocks: ['in step'] }]);
      await loop.expectStatus(0);
      await loop.finish();
      assert.equal(loop.store.files.get('U/next')?.toString(), 'in step');
      assert.equal(loop.store.files.has('U/1'), false);
      assert.equal(loop.facts.localError, error);
    });
  }

  for (const operation of ['create', 'write', 'commit']) {
    test(`a big file whose ${operation} fails is drained, leaves nothing and is told`, async () => {
      const loop = new LoopUnderTest();
      loop.store.before = (what) => {
        if (what === operation) throw systemError('ENOSPC');
      };
      loop.upload([{ name: 'U/big', blocks: [Buffer.alloc(5_000_000)] }]);
      await loop.expectStatus(-15);
      loop.store.before = () => {};
      loop.upload([{ name: 'U/next', blocks: [Buffer.alloc(5_000_000)] }]);
      await loop.expectStatus(0);
      await loop.finish();
      assert.deepEqual([...loop.store.files.keys()], ['U/next']);
      assert.equal(loop.store.calls.includes('abort U/big'), operation === 'write');
    });
  }

  test('a path outside the backup is refused, the others are stored', async () => {
    const loop = new LoopUnderTest();
    loop.upload([
      { name: '../out', blocks: ['x'] },
      { name: 'U/in', blocks: ['y'] },
      { name: 'U/../../big', blocks: [Buffer.alloc(1_000_000)] },
      { name: 'U//./in2', blocks: ['z'] },
    ]);
    await loop.expectStatus(-1);
    await loop.finish();
    assert.deepEqual([...loop.store.files.keys()].sort(), ['U/in', 'U/in2']);
  });

  test('names that are no UTF-8 are refused, not mixed up', async () => {
    const loop = new LoopUnderTest();
    loop.upload([
      { name: Buffer.from([0x55, 0x2f, 0xff]), blocks: ['a'] },
      { name: Buffer.from([0x55, 0x2f, 0xfe]), blocks: ['b'] },
      { name: 'U/\uFFFD', blocks: ['c'] },
    ]);
    await loop.expectStatus(-1);
    await loop.finish();
    assert.deepEqual([...loop.store.files.keys()], ['U/\uFFFD']);
  });

  test('the same path twice in a batch: the later content wins, however slow the first write is', async () => {
    const loop = new LoopUnderTest();
    let first = true;
    loop.store.before = async (operation) => {
      if (operation !== 'writeFile' || !first) return;
      first = false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    loop.upload([
      { name: 'U/same', blocks: ['old'] },
      { name: 'U/Same', blocks: ['other'] },
      { name: 'U//same', blocks: ['new'] },
    ]);
    await loop.expectStatus(0);
    await loop.finish();
    assert.equal(loop.store.files.get('U/same')?.toString(), 'new');
  });

  test('writes overlap, but never more than 16', async () => {
    const loop = new LoopUnderTest();
    loop.store.before = () => new Promise((resolve) => setTimeout(resolve, 1));
    loop.upload(Array.from({ length: 200 }, (_, i) => ({ name: `U/${i}`, blocks: [Buffer.alloc(10)] })));
    await loop.expectStatus(0);
    await loop.finish();
    assert.equal(loop.store.files.size, 200);
    assert.equal(loop.store.peakWrites, 16);
  });

  test('the answer waits for the last write', async () => {
    const loop = new LoopUnderTest();
    let written = false;
    loop.store.before = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      written = true;
    };
    loop.upload([{ name: 'U/slow', blocks: ['x'] }]);
    await loop.expectStatus(0);
    assert.ok(written);
    await loop.finish();
  });

  test('an absurd name length ends the connection, not the memory', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    loop.peer.send(uint32(0x7fff_ffff));
    await assert.rejects(loop.outcome, { name: 'AppError', code: 'unexpectedReply' });
    await loop.link.close();
  });

  test('a block of 4 GiB that breaks off is a lost device, and nothing is stored', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    const name = Buffer.from('U/a');
    loop.peer.send(uint32(3), name, uint32(3), name, uint32(0xffff_ffff), Buffer.from([0x0c]), Buffer.alloc(1_000_000));
    loop.peer.close();
    await assert.rejects(loop.outcome, { name: 'AppError', code: 'deviceGone' });
    assert.deepEqual([...loop.store.files.keys()], []);
    assert.ok(loop.store.calls.includes('abort U/a'));
    await loop.link.close();
  });

  test('an end block with text, an unknown code and a missing block leave the stream in step', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    const file = (name: string, ...rest: Buffer[]) => [
      uint32(1),
      Buffer.from('d'),
      uint32(name.length),
      Buffer.from(name),
      ...rest,
    ];
    loop.peer.send(...file('U/a', block(0x0c, 'a'), block(0x00, 'trailer')));
    loop.peer.send(...file('U/b', block(0x0c, 'b'), block(0x7f, 'what is that')));
    loop.peer.send(...file('U/c', uint32(0)), uint32(0));
    await loop.expectStatus(0);
    await loop.finish();
    assert.deepEqual([...loop.store.files.keys()].sort(), ['U/a', 'U/b', 'U/c']);
  });

  test('message and stream in one piece with the next message', async () => {
    const loop = new LoopUnderTest({ segmentation: 'together' });
    loop.peer.send(
      Buffer.concat([
        message(['DLMessageUploadFiles', new Map(), 0, 0]),
        uploadStream([{ name: 'U/a', blocks: ['a'] }]),
        message(['DLMessageGetFreeDiskSpace']),
      ]),
    );
    await loop.expectStatus(0);
    await loop.expectStatus(0, 1e12);
    await loop.finish();
  });

  test('a device that stops in the middle of a block is given up after the limit', async () => {
    const loop = new LoopUnderTest({ stallMs: 40 });
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    loop.peer.send(uint32(1), Buffer.from('d'));
    await assert.rejects(loop.outcome, { name: 'AppError', code: 'timedOut' });
  });
});
