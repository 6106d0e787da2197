import type { Socket } from 'node:net';
import { AppError } from '../../base/errors';
import type { ByteStream } from './byteStream';
import { readDirectly, type DirectReads } from './directReads';

/** Bytes kept unread before the peer is made to wait. A read of more than that is still served. */
const HIGH_WATER = 1 << 20;
/** A peer that does not take our last bytes is left after this time. */
const CLOSE_LIMIT_MS = 500;
const EMPTY = Buffer.alloc(0);
/** A connection that has brought so much is one of those that bring gigabytes. */
const DIRECT_FROM = 256 * 1024;
/** Memory that what nobody waits for comes into, a piece behind the other; a new one when so little is left. */
const SLAB_BYTES = 128 * 1024;
const SLAB_LEAST = 4 * 1024;

/** Fills a buffer of the reader's own. */
interface Filling {
  readonly target: Uint8Array;
  filled: number;
  resolve(): void;
  reject(error: AppError): void;
}

interface PendingRead {
  readonly min: number;
  readonly max: number;
  resolve(bytes: Buffer): void;
  reject(error: AppError): void;
}

/**
 * A socket, plain or TLS, that is read on demand. Chunks stay as they came from the system: a read that lies within one
 * is a view of it, one that spans several is copied together once.
 */
export class SocketStream implements ByteStream {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  /** Index of the first unread chunk, and how much of it was read. */
  #first = 0;
  #offset = 0;
  #buffered = 0;
  #pending: PendingRead | undefined;
  #filling: Filling | undefined;
  #paused = false;
  /** Bytes until the socket is asked to read into our own memory; Infinity: never, or it does. */
  #directIn: number;
  #direct: DirectReads | undefined;
  /** Only while it does. Its bytes before `slabFilled` belong to chunks. */
  #slab: Buffer = EMPTY;
  #slabFilled = 0;
  /** The reader's buffer that the next piece goes into, if it is not the slab. */
  #aim: Filling | undefined;
  /** Why no more bytes come; the buffered ones can still be read. */
  #ended: { readonly reason: string; readonly cause?: unknown } | undefined;
  readonly #closed: Promise<void>;

  /**
   * @param socket Connected, and without other readers.
   * @param mayBeBulk False for one that is handed on later.
   */
  constructor(socket: Socket, { mayBeBulk = false } = {}) {
    this.#socket = socket;
    this.#directIn = mayBeBulk ? DIRECT_FROM : Infinity;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    if (socket.destroyed) this.#onClose();
    else socket.resume();
  }

  /** True once no more bytes can come or go. */
  get closed(): boolean {
    return this.#ended !== undefined;
  }

  read(length: number): Promise<Buffer> {
    return length === 0 ? Promise.resolve(EMPTY) : this.#read(length, length);
  }

  readSome(max: number): Promise<Buffer> {
    return max === 0 ? Promise.resolve(EMPTY) : this.#read(1, max);
  }

  /**
   * Fills all of `target`, each piece as it comes: TLS hands over 16 KiB at a time, and a promise for each of them costs
   * as much as the copying.
   */
  readInto(target: Uint8Array): Promise<void> {
    if (this.#pending || this.#filling) return Promise.reject(new Error('only one read at a time'));
    let filled = 0;
    while (filled < target.length && this.#buffered > 0) {
      const bytes = this.#take(1, target.length - filled);
      target.set(bytes, filled);
      filled += bytes.length;
    }
    if (filled === target.length) return Promise.resolve();
    if (this.#ended) return Promise.reject(this.#gone(`waiting for ${target.length - filled} bytes`));
    return new Promise((resolve, reject) => {
      this.#filling = { target, filled, resolve, reject };
      this.#flow();
    });
  }

  /** The bytes belong to the socket until this resolves. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(this.#gone('writing'));
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        // Node reports success for bytes that a destroyed socket never sent.
        if (!error && !this.#socket.destroyed) return resolve();
        this.#finish('the connection broke', error);
        reject(this.#gone('writing'));
      });
    });
  }

  async close(): Promise<void> {
    this.#finish('the connection was closed here');
    if (this.#socket.destroyed) return;
    // Nobody reads any more, but a paused socket would never notice the peer's end.
    this.#socket.resume();
    this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_LIMIT_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Ends the connection at once, without waiting for anything; for cancellation. */
  abort(): void {
    this.#finish('the connection was closed here');
    this.#socket.destroy();
  }

  /**
   * Gives the bare socket to somebody else (TLS), paused, with the bytes that came but were not read yet in front. This
   * stream is of no use afterwards. Errors of the socket are the new owner's.
   */
  release(): Socket {
    if (this.#pending || this.#filling) throw new Error('a stream cannot be handed on while somebody reads from it');
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    this.#ended ??= { reason: 'the connection was handed on' };
    const rest = this.#buffered > 0 ? this.#take(this.#buffered, this.#buffered) : EMPTY;
    if (rest.length > 0) this.#socket.unshift(rest);
    return this.#socket;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #read(min: number, max: number): Promise<Buffer> {
    if (this.#pending || this.#filling) return Promise.reject(new Error('only one read at a time'));
    if (this.#buffered >= min) return Promise.resolve(this.#take(min, max));
    if (this.#ended) return Promise.reject(this.#gone(`waiting for ${min} bytes, ${this.#buffered} came`));
    return new Promise((resolve, reject) => {
      this.#pending = { min, max, resolve, reject };
      this.#flow();
    });
  }

  /** From `min` bytes, which are there, up to `max`: as many as need no copying. */
  #take(min: number, max: number): Buffer {
    const chunk = this.#chunks[this.#first] as Buffer;
    const left = chunk.length - this.#offset;
    let bytes: Buffer;
    if (max < left) {
      bytes = chunk.subarray(this.#offset, this.#offset + max);
      this.#offset += max;
    } else if (min <= left) {
      bytes = this.#offset === 0 ? chunk : chunk.subarray(this.#offset);
      this.#dropFirst();
    } else {
      bytes = this.#gather(min);
    }
    this.#buffered -= bytes.length;
    this.#flow();
    return bytes;
  }

  #gather(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const chunk = this.#chunks[this.#first] as Buffer;
      const count = Math.min(length - filled, chunk.length - this.#offset);
      chunk.copy(bytes, filled, this.#offset, this.#offset + count);
      filled += count;
      this.#offset += count;
      if (this.#offset === chunk.length) this.#dropFirst();
    }
    return bytes;
  }

  #dropFirst(): void {
    this.#chunks[this.#first] = EMPTY; // Its memory is free as soon as the reader is done with it.
    this.#first++;
    this.#offset = 0;
    if (this.#first === this.#chunks.length) {
      this.#chunks = [];
      this.#first = 0;
    } else if (this.#first >= 1024) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
  }

  #flow(): void {
    const limit = Math.max(HIGH_WATER, this.#pending?.min ?? 0);
    if (!this.#paused && this.#buffered >= limit) {
      this.#paused = true;
      this.#socket.pause();
    } else if (this.#paused && this.#buffered < limit / 2) {
      this.#paused = false;
      if (!this.#ended) this.#socket.resume();
    }
  }

  /** @returns what the reader's buffer has no room for */
  #fill(bytes: Buffer): Buffer {
    const filling = this.#filling;
    if (!filling) return bytes;
    const count = bytes.copy(filling.target, filling.filled);
    filling.filled += count;
    if (filling.filled === filling.target.length) {
      this.#filling = undefined;
      filling.resolve();
    }
    return bytes.subarray(count);
  }

  readonly #onData = (piece: Buffer): void => {
    if (this.#ended) return;
    this.#takePiece(piece);
    this.#directIn -= piece.length;
    if (this.#directIn > 0 || this.#paused) return;
    const sink = { room: () => this.#room(), received: (count: number) => this.#received(count) };
    this.#direct = readDirectly(this.#socket, sink);
    this.#directIn = this.#direct ? Infinity : DIRECT_FROM;
  };

  #takePiece(piece: Buffer): void {
    const chunk = this.#fill(piece);
    if (chunk.length === 0) return;
    this.#append(chunk);
    this.#buffered += chunk.length;
    const pending = this.#pending;
    if (pending && this.#buffered >= pending.min) {
      this.#pending = undefined;
      pending.resolve(this.#take(pending.min, pending.max));
    } else {
      this.#flow();
    }
  }

  /** Behind the unread chunks; as one with the last of them where they lie side by side in the slab. */
  #append(chunk: Buffer): void {
    const index = this.#chunks.length - 1;
    const last = index >= this.#first ? this.#chunks[index] : undefined;
    const isNext = last?.buffer === chunk.buffer && last.byteOffset + last.length === chunk.byteOffset;
    if (isNext) this.#chunks[index] = Buffer.from(chunk.buffer, last.byteOffset, last.length + chunk.length);
    else this.#chunks.push(chunk);
  }

  #room(): Uint8Array {
    const filling = (this.#aim = this.#filling);
    if (filling) {
      const { buffer, byteOffset, length } = filling.target;
      return new Uint8Array(buffer, byteOffset + filling.filled, length - filling.filled);
    }
    if (this.#slab.length - this.#slabFilled < SLAB_LEAST) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabFilled = 0;
    }
    return new Uint8Array(this.#slab.buffer, this.#slabFilled, this.#slab.length - this.#slabFilled);
  }

  #received(count: number): boolean {
    const aim = this.#aim;
    if (aim) {
      aim.filled += count;
      if (aim.filled === aim.target.length && this.#filling === aim) {
        this.#filling = undefined;
        aim.resolve();
      }
    } else {
      const start = this.#slabFilled;
      this.#slabFilled += count;
      if (!this.#ended) this.#takePiece(Buffer.from(this.#slab.buffer, start, count));
    }
    return true;
  }

  readonly #onEnd = (): void => this.#finish('the peer closed the connection');

  // A reset instead of an orderly end, also a TLS connection without close_notify: devices do that.
  readonly #onError = (error: Error): void => this.#finish('the connection broke', error);

  readonly #onClose = (): void => this.#finish('the connection is closed');

  #finish(reason: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason, cause };
    this.#direct?.stop();
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(this.#gone(`waiting for ${pending.min} bytes, ${this.#buffered} came`));
    const filling = this.#filling;
    this.#filling = undefined;
    filling?.reject(this.#gone(`waiting for ${filling.target.length} bytes, ${filling.filled} came`));
  }

  #gone(doing: string): AppError {
    const { reason, cause } = this.#ended!;
    return new AppError('deviceGone', `${reason} (${doing})`, { cause });
  }
}
