import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isAppError } from '../../../../src/base/errors';
import { connectSocket } from '../../../../src/device/io/connectSocket';

describe('connectSocket', () => {
  let folder: string;
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'connect-'))));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** A server whose queue is full: the system answers nobody any more. */
  async function deaf(): Promise<{ readonly port: number; close(): void }> {
    const server = net.createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 });
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    return { port, close: () => server.close() };
  }

  it('reaches a local socket', async function () {
    if (process.platform === 'win32') return this.skip();
    const file = path.join(folder, 'daemon');
    const server = net.createServer((socket) => socket.end('hello'));
    server.listen(file);
    await once(server, 'listening');
    const stream = await connectSocket({ kind: 'unix', path: file }, { timeoutMs: 10_000 });
    assert.equal((await stream.read(5)).toString(), 'hello');
    await stream.close();
    server.close();
  });

  it("fails with the system's own error where nobody listens", async () => {
    const missing = path.join(folder, 'nobody');
    await assert.rejects(connectSocket({ kind: 'unix', path: missing }, { timeoutMs: 10_000 }), { code: 'ENOENT' });
  });

  it('does not begin when it is cancelled already', async () => {
    const connecting = connectSocket(
      { kind: 'unix', path: path.join(folder, 'nobody') },
      { timeoutMs: 10_000, signal: AbortSignal.abort() },
    );
    await assert.rejects(connecting, (error) => isAppError(error, 'cancelled'));
  });

  it('ends the wait when it is cancelled, and hears no more of it', async () => {
    const server = await deaf();
    const abort = new AbortController();
    const connecting = connectSocket(
      { kind: 'tcp', host: '127.0.0.1', port: server.port },
      { timeoutMs: 10_000, signal: abort.signal },
    );
    abort.abort();
    await assert.rejects(connecting, (error) => isAppError(error, 'cancelled'));
    server.close();
  });

  it('ends the wait after its time', async () => {
    const server = await deaf();
    // No connection is made before the first turn of the loop, and time is up before it.
    const connecting = connectSocket({ kind: 'tcp', host: '127.0.0.1', port: server.port }, { timeoutMs: 0 });
    const until = Date.now() + 5;
    while (Date.now() < until);
    await assert.rejects(connecting, (error) => isAppError(error, 'timedOut'));
    server.close();
  });
});
