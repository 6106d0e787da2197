import { AppError } from '../../src/base/errors';
import type { ByteStream } from '../../src/device/io/byteStream';

/** How the bytes of a peer are cut into the pieces that arrive: `1` byte each, all as one, or as they were sent. */
export type Segmentation = 'asSent' | 'oneByte' | 'together';

/**
 * One end of a connection, the other of which is played by a test: `peer.send(…)`, `await peer.receive(n)`. Nothing is
 * lost or reordered, and closing either end is seen by the other.
 */
export class ScriptedPeer {
  readonly stream: ByteStream;
  readonly #toHost: Pipe;
  readonly #toPeer = new Pipe('asSent');

  constructor(segmentation: Segmentation = 'asSent') {
    this.#toHost = new Pipe(segmentation);
    const close = () => {
      this.#toHost.end();
      this.#toPeer.end();
      return Promise.resolve();
    };
    this.stream = {
      read: (length) => this.#toHost.read(length),
      readSome: (max) => this.#toHost.readSome(max),
      write: (bytes) => this.#toPeer.write(Buffer.from(bytes)),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  send(...bytes: Uint8Array[]): void {
    for (const part of bytes) void this.#toHost.write(Buffer.from(part)).catch(() => {});
  }

  receive(length: number): Promise<Buffer> {
    return this.#toPeer.read(length);
  }

  /** Everything the host has sent and nobody has read. */
  unread(): Buffer {
    return this.#toPeer.rest();
  }

  /** What was sent can still be read by the host. */
  close(): void {
    this.#toHost.end();
    this.#toPeer.end();
  }
}

class Pipe {
  #chunks: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(private readonly segmentation: Segmentation) {}

  write(bytes: Buffer): Promise<void> {
    if (this.#ended) return Promise.reject(new AppError('deviceGone', 'closed'));
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#wake?.();
    return Promise.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async read(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      const part = await this.readSome(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async readSome(max: number): Promise<Buffer> {
    while (this.#chunks.length === 0) {
      if (this.#ended) throw new AppError('deviceGone', 'the peer closed');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.segmentation === 'together') this.#chunks = [Buffer.concat(this.#chunks)];
    const [first] = this.#chunks as [Buffer];
    const size = Math.min(max, this.segmentation === 'oneByte' ? 1 : first.length);
    if (size === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(size);
    return first.subarray(0, size);
  }

  rest(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return all;
  }
}
