import type { Socket } from 'node:net';
import { AppError } from '../../../src/base/errors';
import type { ByteStream } from '../../../src/device/io/byteStream';

/** Bytes read ahead of the reader before the peer is made to wait. */
const READ_AHEAD = 1024 * 1024;
/** Bytes handed to the socket that the system has not taken yet, before a writer is made to wait, and let on again. */
const WRITE_AHEAD = 1024 * 1024;
const WRITE_ON = 256 * 1024;
/** Writes up to this size are collected: one packet and one TLS record for many small ones. */
const SMALL_WRITE = 16 * 1024;
const SLAB = 64 * 1024;
/** How long close() lets the peer take in what is left. */
const CLOSE_PATIENCE_MS = 1_000;

const done = Promise.resolve();

/**
 * The device's end of a socket, plain or TLS. Bytes that were given to write() must not be changed afterwards: the
 * socket may hold them for a while.
 */
export class SocketStream implements ByteStream {
  readonly socket: Socket;
  readonly #raw: Socket;
  readonly #onData = (chunk: Buffer) => this.#take(chunk);
  #chunks: Buffer[] = [];
  #available = 0;
  #reader:
    { readonly wanted: number; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #ended: AppError | undefined;
  /** Small writes are copied in here one behind the other; what lies between start and filled is not sent yet. */
  #slab = Buffer.alloc(0);
  #start = 0;
  #filled = 0;
  #writer: (() => void) | undefined;
  #frozen = false;

  /** @param raw what carries a TLS socket. */
  constructor(socket: Socket, raw: Socket = socket) {
    this.socket = socket;
    this.#raw = raw;
    socket.setNoDelay(true);
    socket.on('data', this.#onData);
    socket.on('end', () => this.#end('the host has closed the connection'));
    socket.on('close', () => this.#end('the connection is closed'));
    socket.on('error', (error) => this.#end(`the connection broke: ${error.message}`));
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#available < length) await this.#arrival(length);
    return this.#shift(length);
  }

  async readSome(max: number): Promise<Buffer> {
    while (this.#available === 0) await this.#arrival(1);
    return this.#shift(Math.min(max, this.#chunks[0]?.length ?? 0));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (bytes.length > SMALL_WRITE) {
      this.flush();
      return this.#send(bytes);
    }
    if (this.#filled + bytes.length > this.#slab.length) {
      this.flush();
      this.#slab = Buffer.allocUnsafe(SLAB);
      this.#start = this.#filled = 0;
    }
    // Runs when nobody has more to write at once: a writer that goes on in the same turn is not interrupted.
    if (this.#start === this.#filled) process.nextTick(() => this.flush());
    this.#slab.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return this.socket.writableLength > WRITE_AHEAD ? this.#room() : done;
  }

  /** Sends what small writes have collected. */
  flush(): void {
    if (this.#start === this.#filled) return;
    const collected = this.#slab.subarray(this.#start, this.#filled);
    this.#start = this.#filled;
    if (!this.#ended) void this.#send(collected).catch(() => {});
  }

  async close(): Promise<void> {
    if (this.#frozen) return;
    this.flush();
    const { socket } = this;
    this.#end('closed by the device');
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), CLOSE_PATIENCE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.resume(); // What still comes in is of no interest, but unread it would turn the end into a reset.
      socket.end();
    });
  }

  /** Ends it at once; on TCP the peer sees a reset. */
  reset(): void {
    this.#end('reset by the device');
    // Unix sockets know no reset. resetAndDestroy() would shut down first, and the peer see a good end; this flag of
    // Node's is what it sets for the second step.
    if (this.#raw.remotePort !== undefined) Reflect.set(this.#raw, 'resetAndClosing', true);
    // TLS first: in the other order Node 20 crashes when this happens inside a read of the TLS socket.
    this.socket.destroy();
    this.#raw.destroy();
  }

  /** Nothing goes out or comes in any more, and the socket stays open until destroy(). Whoever reads or writes here gets an error. */
  freeze(): void {
    this.#frozen = true;
    this.#start = this.#filled;
    this.#end('silence');
    this.socket.removeListener('data', this.#onData);
    this.socket.pause();
  }

  destroy(): void {
    this.#end('closed by the device');
    this.socket.destroy();
  }

  /** Hands the socket on, with what was read too far; this stream is over then. */
  release(): Socket {
    const { socket } = this;
    this.flush();
    socket.removeListener('data', this.#onData);
    socket.pause();
    if (this.#available > 0) socket.unshift(Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#available = 0;
    return socket;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    const reader = this.#reader;
    if (reader && this.#available >= reader.wanted) {
      this.#reader = undefined;
      reader.resolve();
    }
    if (this.#available > Math.max(READ_AHEAD, this.#reader?.wanted ?? 0)) this.socket.pause();
  }

  #arrival(wanted: number): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#reader) throw new Error('two readers on one connection');
    this.flush();
    this.socket.resume();
    return new Promise<void>((resolve, reject) => (this.#reader = { wanted, resolve, reject }));
  }

  #shift(length: number): Buffer {
    const first = this.#chunks[0];
    this.#available -= length;
    if (!first || length === 0) return Buffer.alloc(0);
    if (first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first.length === length) {
      this.#chunks.shift();
      return first;
    }
    const whole = Buffer.allocUnsafe(length);
    let filled = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const part = Math.min(chunk.length, length - filled);
      chunk.copy(whole, filled, 0, part);
      filled += part;
      if (part < chunk.length) {
        this.#chunks[used] = chunk.subarray(part);
        break;
      }
      used++;
      if (filled === length) break;
    }
    this.#chunks.splice(0, used);
    return whole;
  }

  #send(bytes: Uint8Array): Promise<void> {
    this.socket.write(bytes, () => {
      if (this.#writer && this.socket.writableLength <= WRITE_ON) this.#writer();
    });
    return this.socket.writableLength > WRITE_AHEAD ? this.#room() : done;
  }

  #room(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const before = this.#writer;
      this.#writer = () => {
        this.#writer = undefined;
        before?.();
        if (this.#ended) reject(this.#ended);
        else resolve();
      };
    });
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = new AppError('deviceGone', why);
    this.#reader?.reject(this.#ended);
    this.#reader = undefined;
    this.#writer?.();
  }
}
