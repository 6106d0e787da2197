import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../../../../src/base/errors';
import { connectSocket } from '../../../../src/device/io/connectSocket';
import { SocketStream } from '../../../../src/device/io/socketStream';

const gone = (error: unknown) => isAppError(error, 'deviceGone');

describe('SocketStream', () => {
  let server: net.Server;
  let peer: net.Socket;
  let stream: SocketStream;

  beforeEach(async () => {
    server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    const { port } = server.address() as net.AddressInfo;
    stream = await connectSocket({ kind: 'tcp', host: '127.0.0.1', port }, { timeoutMs: 1000 });
    [peer] = await accepted;
    peer.setNoDelay(true);
    peer.on('error', () => {});
  });

  afterEach(async () => {
    await stream.close();
    peer.destroy();
    server.close();
  });

  it('gives exactly as many bytes as asked for, however they were cut', async () => {
    const sent = Buffer.from('0123456789abcdef');
    for (const byte of sent) {
      peer.write(Buffer.of(byte));
      await sleep(1);
    }
    assert.equal((await stream.read(3)).toString(), '012');
    assert.equal((await stream.read(0)).length, 0);
    assert.equal((await stream.read(10)).toString(), '3456789abc');
    assert.equal((await stream.read(3)).toString(), 'def');
  });

  it('waits for bytes that have not come yet', async () => {
    const read = stream.read(4);
    peer.write('ab');
    await sleep(5);
    peer.write('cdef');
    assert.equal((await read).toString(), 'abcd');
    assert.equal((await stream.read(2)).toString(), 'ef');
  });

  it("fills a reader's own buffer from what came before and what comes, and keeps the rest", async () => {
    const sent = Buffer.from('0123456789abcdef');
    peer.write(sent.subarray(0, 4));
    assert.equal((await stream.read(1)).toString(), '0');
    const target = Buffer.alloc(9);
    const filled = stream.readInto(target);
    await assert.rejects(stream.read(1), /only one read/);
    for (const byte of sent.subarray(4, 8)) {
      peer.write(Buffer.of(byte));
      await sleep(1);
    }
    peer.write(sent.subarray(8));
    await filled;
    assert.equal(target.toString(), '123456789');
    assert.equal((await stream.read(6)).toString(), 'abcdef');
    await stream.readInto(Buffer.alloc(0));
  });

  it('fails to fill a buffer when the peer goes, and does not touch it any more', async () => {
    const target = Buffer.alloc(4);
    const filled = stream.readInto(target);
    peer.end('ab');
    await assert.rejects(filled, gone);
    await assert.rejects(stream.readInto(target), gone);
    assert.equal(target.toString('latin1'), 'ab\0\0');
  });

  it('gives what is there to a reader who takes that', async () => {
    peer.write('abcdef');
    assert.equal((await stream.readSome(4)).toString(), 'abcd');
    assert.equal((await stream.readSome(100)).toString(), 'ef');
  });

  it('serves a read of more than it keeps unread', async () => {
    const big = Buffer.alloc(5 << 20, 7);
    big.writeUInt32BE(0xdeadbeef, big.length - 4);
    peer.write(big);
    const got = await stream.read(big.length);
    assert.ok(got.equals(big));
  });

  it('makes the peer wait while nobody reads, and loses nothing', async () => {
    const big = Buffer.alloc(64 << 20);
    for (let i = 0; i < big.length; i += 4096) big.writeUInt32BE(i, i);
    let written = false;
    peer.write(big, () => (written = true));
    await sleep(100);
    assert.equal(written, false);
    const parts: Buffer[] = [];
    for (let left = big.length; left > 0;) {
      const part = await stream.readSome(Math.min(left, 100_000));
      parts.push(part);
      left -= part.length;
    }
    assert.ok(Buffer.concat(parts).equals(big));
  });

  it('still gives the bytes that came before the end, then fails', async () => {
    peer.end('abc');
    await sleep(10);
    assert.equal((await stream.read(2)).toString(), 'ab');
    await assert.rejects(stream.read(2), gone);
    assert.equal((await stream.read(1)).toString(), 'c');
    await assert.rejects(stream.readSome(1), gone);
  });

  it('fails a waiting read when the peer resets the connection', async () => {
    const read = stream.read(1);
    peer.resetAndDestroy();
    await assert.rejects(read, gone);
    await assert.rejects(stream.write(Buffer.from('x')), gone);
  });

  it('fails a waiting read when it is closed, and can be closed twice', async () => {
    const read = stream.read(1);
    const closed = stream.close();
    await assert.rejects(read, gone);
    await Promise.all([closed, stream.close()]);
    await assert.rejects(stream.read(1), gone);
  });

  it('closes although the peer takes nothing', async () => {
    peer.pause();
    const write = stream.write(Buffer.alloc(32 << 20));
    write.catch(() => {});
    await stream.close();
    await assert.rejects(write, gone);
  });

  it('sends what was written before it is closed', async () => {
    void stream.write(Buffer.from('bye'));
    void stream.close();
    const [data] = (await once(peer, 'data')) as [Buffer];
    assert.equal(data.toString(), 'bye');
  });

  it('does not resolve a write before the peer takes bytes', async () => {
    peer.pause();
    let done = false;
    const write = stream.write(Buffer.alloc(32 << 20)).then(() => (done = true));
    await sleep(50);
    assert.equal(done, false);
    peer.resume();
    await write;
  });

  it('refuses a second reader', async () => {
    const read = stream.read(1);
    await assert.rejects(stream.read(1), /only one read/);
    peer.write('x');
    assert.equal((await read).toString(), 'x');
  });

  it('hands its socket on with the bytes that were not read', async () => {
    peer.write('abcdef');
    assert.equal((await stream.read(2)).toString(), 'ab');
    const socket = stream.release();
    await sleep(5);
    peer.write('ghi');
    const next = new SocketStream(socket);
    assert.equal((await next.read(7)).toString(), 'cdefghi');
    await next.close();
  });

  it('is gone from the start on a socket that was destroyed before', async () => {
    const socket = stream.release();
    socket.destroy();
    const dead = new SocketStream(socket);
    assert.equal(dead.closed, true);
    await assert.rejects(dead.read(1), gone);
    await dead.close();
  });

  it('gives nothing to a reader who wants nothing', async () => {
    assert.equal((await stream.read(0)).length, 0);
    assert.equal((await stream.readSome(0)).length, 0);
  });

  it('is not handed on, nor read twice, while somebody reads', async () => {
    const reading = stream.readInto(Buffer.alloc(2));
    assert.throws(() => stream.release(), /cannot be handed on/);
    await assert.rejects(stream.readInto(Buffer.alloc(1)), /only one read/);
    peer.write('ab');
    await reading;
    const other = stream.read(1);
    assert.throws(() => stream.release(), /cannot be handed on/);
    peer.write('c');
    await other;
  });

  it('ends at once when it is aborted', async () => {
    const read = stream.read(1);
    stream.abort();
    await assert.rejects(read, gone);
    assert.equal(stream.closed, true);
  });

  it('closes itself where it is disposed of', async () => {
    {
      await using disposed = stream;
      assert.equal(disposed.closed, false);
    }
    assert.equal(stream.closed, true);
  });

  it('keeps the order over thousands of pieces that were not read', async () => {
    const socket = stream.release();
    const reader = new SocketStream(socket);
    const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.from([index & 0xff, index >> 8]));
    for (const piece of pieces) socket.emit('data', piece);
    for (let index = 0; index < 2900; index++) assert.deepEqual(await reader.read(2), pieces[index]);
    assert.deepEqual(await reader.read(200), Buffer.concat(pieces.slice(2900)));
    await reader.close();
  });
});
