import type { ByteStream } from '../io/byteStream';

/** More than a stream ever holds, so that it hands over its next piece (16 to 64 KiB) as it is, without copying. */
const READ_SIZE = 16 * 1024 * 1024;

/**
 * Reads a connection that carries both framed messages and raw blocks, with one buffer for both: the raw part of an
 * upload starts directly behind its message, often in the same packet.
 *
 * What is already here is taken without a promise: a batch of small files has ten reads for each, and nearly all of them
 * are answered from the buffer.
 */
export class BufferedInput {
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;
  #waitingSince = 0;
  #consumed = 0;

  constructor(private readonly stream: ByteStream) {}

  /** Bytes that can be taken without waiting. */
  get available(): number {
    return this.#chunk.length - this.#position;
  }

  /** Bytes taken so far: the place in the stream, for the log. */
  get consumed(): number {
    return this.#consumed;
  }

  /** When the present wait for bytes began, as Date.now(); 0 while none is limited. */
  get waitingSince(): number {
    return this.#waitingSince;
  }

  /** Waits, as long as it takes, until there is a byte: between messages silence is normal. */
  async waitForData(): Promise<void> {
    if (this.available === 0) this.#replace(await this.stream.readSome(READ_SIZE));
  }

  /** Waits until `count` bytes can be taken: for headers, a few bytes at a time. */
  async ensure(count: number): Promise<void> {
    while (this.available < count) {
      const chunk = await this.#readSome();
      const rest = this.#chunk.subarray(this.#position);
      this.#replace(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    }
  }

  /** A big-endian number; call ensure(4) first. */
  takeUInt32(): number {
    const value = this.#chunk.readUInt32BE(this.#position);
    this.#advance(4);
    return value;
  }

  /** One byte; call ensure(1) first. */
  takeByte(): number {
    const value = this.#chunk.readUInt8(this.#position);
    this.#advance(1);
    return value;
  }

  /** What is here, at most `max` bytes, without copying; call ensure(1) first. */
  take(max: number): Buffer {
    const end = Math.min(this.#position + max, this.#chunk.length);
    const taken = this.#chunk.subarray(this.#position, end);
    this.#advance(taken.length);
    return taken;
  }

  /** Exactly `length` bytes. Memory is taken as they arrive, not as they were announced. */
  async read(length: number): Promise<Buffer> {
    if (length <= this.available) return this.take(length);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      await this.ensure(1);
      const part = this.take(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** Fills all of `target`, without a buffer in between where the stream can. */
  async readInto(target: Buffer): Promise<void> {
    let filled = 0;
    if (this.available > 0) filled = this.take(target.length).copy(target);
    if (filled === target.length) return;
    if (this.stream.readInto) {
      this.#waitingSince = Date.now();
      try {
        await this.stream.readInto(target.subarray(filled));
        this.#consumed += target.length - filled;
      } finally {
        this.#waitingSince = 0;
      }
      return;
    }
    while (filled < target.length) {
      await this.ensure(1);
      filled += this.take(target.length - filled).copy(target, filled);
    }
  }

  /** Reads past `length` bytes. */
  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0;) {
      await this.ensure(1);
      missing -= this.take(missing).length;
    }
  }

  async #readSome(): Promise<Buffer> {
    this.#waitingSince = Date.now();
    try {
      return await this.stream.readSome(READ_SIZE);
    } finally {
      this.#waitingSince = 0;
    }
  }

  #replace(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  #advance(count: number): void {
    this.#position += count;
    this.#consumed += count;
  }
}
