import { isAppError, isCancellation } from '../../../src/base/errors';
import type { DeviceState, OpenConnection } from '../deviceState';
import type { FaultWay } from '../fault';
import type { SocketStream } from './socketStream';

/** How long a peer that does not read may hold up the end of a pulled cable. */
const LAST_BYTES_MS = 200;

/** A connection to a port of the device, from its acceptance to its end. */
export class DeviceConnection implements OpenConnection {
  readonly #abort = new AbortController();
  #frozen = false;

  /** @param stream replaced when TLS starts. */
  constructor(
    readonly what: string,
    readonly connection: 'usb' | 'network',
    public stream: SocketStream,
  ) {}

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(way: FaultWay): void {
    if (this.#frozen || way === 'reset') {
      this.stream.reset();
    } else if (way === 'silence') {
      this.#frozen = true;
      this.stream.freeze();
    } else {
      void this.stream.close();
      setTimeout(() => this.stream.destroy(), LAST_BYTES_MS).unref();
    }
    this.#abort.abort();
  }

  /** Serves it to the end; what goes wrong is in the device's log. */
  async run(device: DeviceState, serve: () => Promise<void>): Promise<void> {
    device.connections.add(this);
    try {
      await serve();
    } catch (error) {
      if (!isAppError(error, 'deviceGone') && !isCancellation(error)) {
        device.log(`${this.what}: ${error instanceof Error ? error.message : String(error)}; connection closed`);
      }
    } finally {
      this.#abort.abort();
      // A silent connection stays as it is until the device is plugged in again or ends.
      if (!this.#frozen) {
        await this.stream.close();
        device.connections.delete(this);
      }
    }
  }
}
