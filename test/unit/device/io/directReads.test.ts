import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { readDirectly } from '../../../../src/device/io/directReads';

describe('readDirectly', () => {
  let server: net.Server;
  let peer: net.Socket;
  let socket: net.Socket;

  beforeEach(async () => {
    server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    [peer] = await accepted;
    socket.on('data', () => assert.fail('a data event'));
    socket.resume();
  });

  afterEach(() => {
    socket.destroy();
    peer.destroy();
    server.close();
  });

  it('puts what comes into the memory of the reader, as far as there is room each time', async () => {
    const memory = Buffer.alloc(11);
    let filled = 0;
    const all = new Promise<void>((resolve) => {
      const reads = readDirectly(socket, {
        room: () => memory.subarray(filled, filled + 3),
        received(count) {
          assert.ok(count <= 3);
          filled += count;
          if (filled === 8) resolve();
          return true;
        },
      });
      // The only Nodes that cannot are those to come: this tells.
      assert.ok(reads);
      peer.write('01234567');
    });
    await all;
    assert.equal(memory.toString('latin1', 0, 8), '01234567');
  });

  it('puts nothing there any more once it is stopped, and still sees the end', async () => {
    const memory = Buffer.alloc(8);
    const reads = readDirectly(socket, { room: () => memory, received: () => assert.fail('bytes after the end') });
    reads?.stop();
    peer.end('abc');
    await once(socket, 'end');
    assert.equal(socket.bytesRead, 3);
    assert.deepEqual(memory, Buffer.alloc(8));
  });

  it('does nothing for a socket that is closed, or has bytes that nobody has taken', async () => {
    const sink = { room: () => Buffer.alloc(1), received: () => true };
    const closed = new net.Socket();
    assert.equal(readDirectly(closed, sink), undefined);
    socket.removeAllListeners('data');
    socket.pause();
    peer.write('abc');
    while (socket.readableLength === 0) await new Promise(setImmediate);
    assert.equal(readDirectly(socket, sink), undefined);
  });
});
