import type { StoreWriter } from './backupStore';

/**
 * Writes of this size keep the cost of a system call out of sight, and TLS records of 16 KiB from the disk. Bigger ones
 * cost twice the processor time: what was just decrypted is hashed and written out of the processor's own cache.
 */
const BUFFER_SIZE = 128 * 1024;
const BUFFER_COUNT = 24;

/** A few buffers for all big files of a job, so that its memory does not depend on their size. */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #created = 0;
  readonly #waiting: ((buffer: Buffer) => void)[] = [];

  acquire(): Buffer | Promise<Buffer> {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#created < BUFFER_COUNT) {
      this.#created++;
      return Buffer.allocUnsafeSlow(BUFFER_SIZE);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next) next(buffer);
    else this.#free.push(buffer);
  }
}

/**
 * A big file on its way to the disk: the device's pieces are gathered in buffers, and one is written while the next is
 * filled. After a failure the rest is swallowed; end() tells.
 */
export class WriteBehind {
  #buffer: Buffer | undefined;
  #filled = 0;
  #tail: Promise<void>;
  #writer: StoreWriter | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly pool: BufferPool,
    open: Promise<StoreWriter>,
  ) {
    this.#tail = open.then(
      (writer) => {
        this.#writer = writer;
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Copies the bytes; the caller may reuse them once this resolves. */
  async write(bytes: Buffer): Promise<void> {
    let offset = 0;
    while (offset < bytes.length && !this.#failure) {
      this.#buffer ??= await this.pool.acquire();
      const copied = bytes.copy(this.#buffer, this.#filled, offset);
      offset += copied;
      this.#filled += copied;
      if (this.#filled === this.#buffer.length) this.#flush();
    }
  }

  /**
   * Room for the next bytes, to be filled and then told by filled(); undefined after a failure.
   * @param max In bytes; there may be less.
   */
  async room(max: number): Promise<Buffer | undefined> {
    if (this.#failure) return undefined;
    this.#buffer ??= await this.pool.acquire();
    return this.#buffer.subarray(this.#filled, this.#filled + max);
  }

  filled(count: number): void {
    this.#filled += count;
    if (this.#filled === this.#buffer?.length) this.#flush();
  }

  /** Writes the rest and commits. @throws what the store threw first; nothing is left behind then. */
  async commit(): Promise<void> {
    this.#flush();
    await this.#tail;
    if (!this.#failure) return this.#writer?.commit();
    await this.#writer?.abort().catch(() => {});
    throw this.#failure.error;
  }

  /** Leaves nothing behind. Never fails. */
  async abort(): Promise<void> {
    this.#fail(new Error('given up'));
    this.#flush();
    await this.#tail;
    await this.#writer?.abort().catch(() => {});
  }

  #flush(): void {
    const buffer = this.#buffer;
    if (!buffer) return;
    const content = buffer.subarray(0, this.#filled);
    this.#buffer = undefined;
    this.#filled = 0;
    this.#tail = this.#tail
      .then(() => (this.#failure ? undefined : this.#writer?.write(content)))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.pool.release(buffer));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }
}
