import { once } from 'node:events';
import net from 'node:net';
import { connectSocket } from '../../../src/device/io/connectSocket';
import type { TrustedDevice } from '../../../src/device';
import type { AbortableStream } from '../../../src/device/lockdown/plistChannel';

/** A device whose services are all one socket, which a test serves by hand. */
export class ScriptedService {
  readonly #server = net.createServer();
  readonly #sockets = new Set<net.Socket>();

  /** @param serve Called with the device's end of each connection. */
  constructor(serve: (socket: net.Socket) => void) {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      serve(socket);
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async device(): Promise<TrustedDevice> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as net.AddressInfo;
    return {
      udid: 'U',
      identity: { name: 'N', deviceClass: 'iPhone', productType: 'iPhone13,2', productVersion: '16.5' },
      connection: 'network',
      deviceId: 1,
      getValue: async () => undefined,
      setValue: async () => {},
      startService: (): Promise<AbortableStream> =>
        connectSocket({ kind: 'tcp', host: '127.0.0.1', port }, { timeoutMs: 1000 }),
      async [Symbol.asyncDispose]() {},
    };
  }

  dispose(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
