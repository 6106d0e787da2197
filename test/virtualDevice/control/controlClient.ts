import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Emitter } from '../emitter';
import { parseSocketAddress } from '../socketAddress';
import type { ControlEvent, HostMethod, HostMethods } from './controlMethods';
import { DeviceHandle } from './deviceHandle';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The other end of the control connection: for tests and consoles in another process. */
export class ControlClient implements AsyncDisposable {
  readonly onEvent = new Emitter<ControlEvent>();
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('error', () => {}); // It passes on those of the socket.
    lines.on('line', (line) => this.#take(line));
    socket.on('error', () => {}); // Followed by close.
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the virtual device has ended'));
      this.#waiting.clear();
    });
  }

  /** @throws Error when nothing listens at the address. */
  static connect(address: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const options = parseSocketAddress(address);
      const socket = options.path ? connect(options.path) : connect(options.port ?? 0, options.host);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new ControlClient(socket));
      });
    });
  }

  /** Sends events to `onEvent` from now on. */
  async watch(): Promise<void> {
    await this.call('watch', {});
  }

  async host<M extends HostMethod>(method: M, params: HostMethods[M]['params']): Promise<HostMethods[M]['result']> {
    return (await this.call(method, params)) as HostMethods[M]['result'];
  }

  device(udid: string): DeviceHandle {
    return new DeviceHandle(udid, this.call);
  }

  readonly call = (method: string, params: object): Promise<unknown> => {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the virtual device has ended'));
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }

  #take(line: string): void {
    const message = JSON.parse(line) as { id?: number; result?: unknown; error?: string } | ControlEvent;
    if ('event' in message) return this.onEvent.fire(message);
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (!waiting || message.id === undefined) return;
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(message.error));
  }
}
