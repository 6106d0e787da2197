import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'mocha';
import { dict } from '../../../../src/plist';
import { LoopUnderTest, message, uint32 } from './deviceSide';

describe('runMessageLoop()', () => {
  test('refuses what it does not know, and goes on; a ping asks for nothing', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageFoo', 'bar');
    assert.deepEqual(await loop.receive(), ['DLMessageStatusResponse', -1, 'Operation not supported', new Map()]);
    loop.send('DLMessagePing', 'are you there');
    loop.send('DLMessageGetFreeDiskSpace');
    await loop.expectStatus(0, 1e12);
    await loop.finish();
  });

  test('returns the final response as it is', async () => {
    const loop = new LoopUnderTest();
    assert.deepEqual(await loop.finish(208, 'Device locked (MBErrorDomain/208)'), {
      errorCode: 208,
      description: 'Device locked (MBErrorDomain/208)',
      content: undefined,
    });
  });

  const broken: readonly (readonly [string, Buffer])[] = [
    ['a message of 4 GiB', uint32(0xffff_ffff)],
    ['an empty message', uint32(0)],
    ['a message that is no property list', Buffer.concat([uint32(4), Buffer.from('what')])],
    ['a message that is no array', message(dict({ a: 1 }) as never)],
    ['a message without a name', message([7])],
    ['a final response without a number', message(['DLMessageProcessMessage', dict({ MessageName: 'Response' })])],
  ];
  for (const [name, bytes] of broken) {
    test(`${name} is unexpectedReply`, async () => {
      const loop = new LoopUnderTest();
      loop.peer.send(bytes);
      await assert.rejects(loop.outcome, { name: 'AppError', code: 'unexpectedReply' });
      await loop.link.close();
    });
  }

  test('a device that hangs up is deviceStopped, one that closes is deviceGone', async () => {
    const hangsUp = new LoopUnderTest();
    hangsUp.send('DLMessageDisconnect', '___EmptyParameterString___');
    await assert.rejects(hangsUp.outcome, { code: 'deviceStopped' });
    await hangsUp.link.close();
    const closes = new LoopUnderTest();
    closes.peer.send(uint32(500), Buffer.from('bplist00'));
    closes.peer.close();
    await assert.rejects(closes.outcome, { code: 'deviceGone' });
    await closes.link.close();
  });

  test('waits for the next message without a limit', async () => {
    const loop = new LoopUnderTest({ stallMs: 20 });
    await sleep(100);
    loop.send('DLMessageGetFreeDiskSpace');
    await loop.expectStatus(0, 1e12);
    await loop.finish();
  });

  test('a message that breaks off is given up after the limit', async () => {
    const loop = new LoopUnderTest({ stallMs: 40 });
    loop.peer.send(uint32(100), Buffer.from('bplist00'));
    await assert.rejects(loop.outcome, { code: 'timedOut' });
  });
});

describe('cancelling', () => {
  test('while the device is silent: at once, and the goodbye is said', async () => {
    const loop = new LoopUnderTest();
    await sleep(5);
    loop.cancel.abort();
    await assert.rejects(loop.outcome, { code: 'cancelled' });
    const gone = loop.link.disconnect();
    assert.deepEqual(await loop.receive(), ['DLMessageDisconnect', '___EmptyParameterString___']);
    loop.peer.close();
    await gone;
  });

  test('a message in flight is served to its end first', async () => {
    const loop = new LoopUnderTest();
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    const name = Buffer.from('U/a');
    loop.peer.send(uint32(3), name, uint32(3), name, uint32(6), Buffer.from('\x0chello'));
    await sleep(10);
    loop.cancel.abort();
    await sleep(10);
    loop.peer.send(uint32(1), Buffer.from([0]), uint32(0));
    await loop.expectStatus(0);
    await assert.rejects(loop.outcome, { code: 'cancelled' });
    assert.equal(loop.store.files.get('U/a')?.toString(), 'hello');
    const gone = loop.link.disconnect();
    assert.deepEqual(await loop.receive(), ['DLMessageDisconnect', '___EmptyParameterString___']);
    loop.peer.close();
    await gone;
  });

  test('an upload that does not end is cut, and leaves nothing half-written', async () => {
    const loop = new LoopUnderTest({ graceMs: 20 });
    loop.send('DLMessageUploadFiles', new Map(), 0, 0);
    const name = Buffer.from('U/a');
    loop.peer.send(uint32(3), name, uint32(3), name, uint32(100_000_000), Buffer.from([0x0c]), Buffer.alloc(1_000_000));
    await sleep(10);
    loop.cancel.abort();
    await assert.rejects(loop.outcome, { code: 'cancelled' });
    assert.deepEqual([...loop.store.files.keys()], []);
    assert.ok(loop.store.calls.includes('abort U/a'));
    await loop.link.disconnect(); // Already closed: says nothing, waits for nothing.
  });

  test('a long list of moves is cut between two of them', async () => {
    const loop = new LoopUnderTest({ graceMs: 20 });
    const moves = new Map(Array.from({ length: 1000 }, (_, i) => [`U/a${i}`, `U/b${i}`]));
    for (const from of moves.keys()) loop.store.files.set(from, Buffer.alloc(1));
    loop.store.before = () => sleep(2);
    loop.send('DLMessageMoveItems', moves);
    while (loop.store.calls.length < 3) await sleep(1);
    loop.cancel.abort();
    await assert.rejects(loop.outcome, { code: 'cancelled' });
    const before = loop.store.calls.length;
    assert.ok(before < 500, String(before));
    await sleep(10);
    assert.equal(loop.store.calls.length, before);
    await loop.link.close();
  });

  test('a disk that never answers does not hold the cancellation for ever', async () => {
    const loop = new LoopUnderTest({ graceMs: 10, settleMs: 20 });
    loop.store.before = () => new Promise(() => {});
    loop.send('DLMessageCreateDirectory', 'U/a');
    await sleep(5);
    loop.cancel.abort();
    await assert.rejects(loop.outcome, { code: 'cancelled' });
    await loop.link.close();
  });
});

describe('DeviceLink.open()', () => {
  async function opening(...messages: readonly (readonly unknown[])[]) {
    const { DeviceLink } = await import('../../../../src/device/mobilebackup2/deviceLink');
    const { ScriptedPeer } = await import('../../../support/scriptedPeer');
    const peer = new ScriptedPeer();
    const link = new DeviceLink(peer.stream);
    for (const elements of messages) peer.send(message(elements as never));
    return { peer, link };
  }

  test('answers byte for byte as Apple devices know it', async () => {
    const { peer, link } = await opening(['DLMessageVersionExchange', 300, 0], ['DLMessageDeviceReady']);
    await link.open();
    const reply = peer.unread();
    assert.equal(reply.readUInt32BE(0), 91);
    assert.equal(
      reply.subarray(4).toString('hex'),
      '62706c6973743030a30102035f1018444c4d65737361676556657273696f6e45786368616e67655c444c56657273696f6e734f6b110190080c2734' +
        '0000000000000101000000000000000400000000000000000000000000000037',
    );
    await link.close();
  });

  test('refuses a newer protocol, and what is not DeviceLink', async () => {
    for (const messages of [
      [['DLMessageVersionExchange', 401, 0]],
      [['DLMessageDeviceReady']],
      [['DLMessageVersionExchange', 300, 0], ['DLMessageFoo']],
    ]) {
      const { link } = await opening(...messages);
      await assert.rejects(link.open(), { code: 'unexpectedReply' });
      await link.close();
    }
  });
});
