import assert from 'node:assert/strict';
import { isAppError } from '../../../../src/base/errors';
import { BufferedInput } from '../../../../src/device/mobilebackup2/bufferedInput';
import { ScriptedPeer, type Segmentation } from '../../../support/scriptedPeer';

const gone = (error: unknown) => isAppError(error, 'deviceGone');

for (const segmentation of ['asSent', 'oneByte', 'together'] as const) {
  describe(`BufferedInput of bytes that come ${segmentation}`, () => {
    const bytes = Buffer.from('0123456789abcdef');

    it('hands out numbers, bytes, pieces and blocks in their order, and counts them', async () => {
      const peer = new ScriptedPeer(segmentation);
      const input = new BufferedInput(peer.stream);
      peer.send(Buffer.of(0, 0, 1, 2), Buffer.of(9), bytes, bytes);
      await input.waitForData();
      assert.ok(input.available > 0);
      await input.ensure(4);
      assert.equal(input.takeUInt32(), 0x102);
      await input.ensure(1);
      assert.equal(input.takeByte(), 9);
      await input.skip(3);
      assert.equal((await input.read(5)).toString(), '34567');
      await input.ensure(1);
      const some = input.take(2);
      assert.equal(some.toString(), '89'.slice(0, some.length));
      await input.skip(2 - some.length);
      const rest = Buffer.alloc(bytes.length + 6);
      await input.readInto(rest);
      assert.equal(rest.toString(), 'abcdef0123456789abcdef');
      assert.equal(input.consumed, 5 + 2 * bytes.length);
      assert.equal(input.available, 0);
      await input.readInto(Buffer.alloc(0));
      assert.equal((await input.read(0)).length, 0);
    });

    it('limits the wait inside a message, not the one before it', async () => {
      const peer = new ScriptedPeer(segmentation);
      const input = new BufferedInput(peer.stream);
      const before = Date.now();
      const waiting = input.waitForData();
      assert.equal(input.waitingSince, 0);
      peer.send(Buffer.of(1));
      await waiting;
      const inside = input.ensure(2);
      assert.ok(input.waitingSince >= before);
      peer.send(Buffer.of(2));
      await inside;
      assert.equal(input.waitingSince, 0);
    });

    for (const [what, read] of [
      ['read', (input: BufferedInput) => input.read(9)],
      ['readInto', (input: BufferedInput) => input.readInto(Buffer.alloc(9))],
      ['skip', (input: BufferedInput) => input.skip(9)],
      ['ensure', (input: BufferedInput) => input.ensure(9)],
    ] as const) {
      it(`fails to ${what} when the device goes in between`, async () => {
        const peer = new ScriptedPeer(segmentation);
        const input = new BufferedInput(peer.stream);
        peer.send(Buffer.alloc(8));
        peer.close();
        await assert.rejects(read(input), gone);
        assert.equal(input.waitingSince, 0);
      });
    }
  });
}

describe('BufferedInput of a stream that fills buffers itself', () => {
  const filling = (segmentation: Segmentation = 'asSent') => {
    const peer = new ScriptedPeer(segmentation);
    const seen = { into: 0 };
    const stream = {
      ...peer.stream,
      async readInto(target: Uint8Array) {
        seen.into += target.length;
        target.set(await peer.stream.read(target.length));
      },
    };
    return { peer, seen, input: new BufferedInput(stream) };
  };

  it('takes what is here, and lets the stream fill the rest', async () => {
    const { peer, seen, input } = filling();
    peer.send(Buffer.from('xab'), Buffer.from('cdef'), Buffer.from('gh'));
    assert.equal((await input.read(1)).toString(), 'x');
    const target = Buffer.alloc(5);
    const filled = input.readInto(target);
    assert.ok(input.waitingSince > 0);
    await filled;
    assert.equal(target.toString(), 'abcde');
    assert.deepEqual(
      { into: seen.into, consumed: input.consumed, since: input.waitingSince },
      { into: 3, consumed: 6, since: 0 },
    );
    assert.equal((await input.read(3)).toString(), 'fgh');
  });

  it('does not ask it for what is all here', async () => {
    const { peer, seen, input } = filling();
    peer.send(Buffer.from('abc'));
    await input.waitForData();
    const target = Buffer.alloc(3);
    await input.readInto(target);
    assert.deepEqual([target.toString(), seen.into, input.consumed], ['abc', 0, 3]);
  });

  it('counts nothing that did not come', async () => {
    const { peer, input } = filling();
    peer.send(Buffer.from('ab'));
    peer.close();
    await assert.rejects(input.readInto(Buffer.alloc(5)), gone);
    assert.deepEqual([input.consumed, input.waitingSince], [0, 0]);
  });
});
