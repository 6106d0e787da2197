import fs from 'node:fs';
import { decryptBlocks, lengthWithoutPadding } from './fileCipher';
import { AppError } from '../../base/errors';
import { openOrdinaryFile } from './ordinaryFile';

/**
 * Content of known length, read from anywhere. Synchronous, because SQLite asks for its pages synchronously; used only in
 * processes that may block for one page.
 */
export interface ByteSource {
  readonly size: number;
  /** Fills `target` from `offset`; fewer bytes only at the end. */
  read(target: Uint8Array, offset: number): number;
  close(): void;
}

/** A file as it is on disk; never opened for writing, never created. */
export class FileSource implements ByteSource {
  readonly size: number;
  readonly #fd: number;

  /** @throws AppError `backupDamaged` for a link, a folder or a pipe; Node system errors */
  constructor(file: string) {
    const { fd, size } = openOrdinaryFile(file);
    this.#fd = fd;
    this.size = size;
  }

  read(target: Uint8Array, offset: number): number {
    let done = 0;
    while (done < target.length) {
      const count = fs.readSync(this.#fd, target, done, target.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

/** Content that is in memory already. */
export class MemorySource implements ByteSource {
  constructor(private readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.length;
  }

  read(target: Uint8Array, offset: number): number {
    const part = this.bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }

  close(): void {}
}

const BLOCK = 16;
/** Reads up to this length are a database's pages. */
const SMALL = 65_536;
const AHEAD = 131_072;
/** A step forward within this is on the way to the next. */
const NEAR = 65_536;

/**
 * The content of a file stored encrypted, decrypted where it is read. Cipher block chaining needs only the block before,
 * so nothing else is read.
 */
export class DecryptedSource implements ByteSource {
  readonly size: number;
  /** Why the content is not all there: a stored length that is no multiple of 16, or padding that is not PKCS#7. */
  get damage(): 'length' | 'padding' | undefined {
    return this.#damage;
  }
  #damage: 'length' | 'padding' | undefined;
  readonly #stored: ByteSource;
  readonly #key: Buffer;
  /** Decrypted ahead of what was asked for; empty unless the reading goes forward. */
  #ahead = Buffer.alloc(0);
  #aheadOffset = 0;
  #last = 0;
  #forgotten = false;
  readonly #onClose: () => void;

  /**
   * @param key Wiped at the end, also if this throws; `stored` is then the caller's to close.
   * @throws AppError `fileDamaged` if the stored file ends early, and what reading it throws
   */
  constructor(stored: ByteSource, key: Buffer, onClose: () => void = () => {}) {
    this.#stored = stored;
    this.#key = key;
    this.#onClose = onClose;
    try {
      this.size = this.#measure();
    } catch (error) {
      key.fill(0);
      throw error;
    }
  }

  #measure(): number {
    const stored = this.#stored;
    const whole = stored.size - (stored.size % BLOCK);
    let size = whole;
    if (whole !== stored.size) this.#damage = 'length';
    if (whole > 0) {
      const last = Buffer.alloc(BLOCK);
      this.#readBlocks(last, whole - BLOCK);
      const unpadded = lengthWithoutPadding(last, whole);
      if (unpadded === undefined) this.#damage ??= 'padding';
      else size = unpadded;
      last.fill(0);
    }
    return size;
  }

  /** @throws AppError `passwordNeeded` once it is closed or the backup is locked, `fileDamaged` */
  read(target: Uint8Array, offset: number): number {
    if (this.#forgotten) throw new AppError('passwordNeeded', 'the backup was locked');
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    if (length === 0) return 0;
    if (length <= SMALL && this.#fromAhead(target.subarray(0, length), offset)) return length;
    const start = offset - (offset % BLOCK);
    const end = Math.ceil((offset + length) / BLOCK) * BLOCK;
    const plain = this.#decrypt(start, end - start);
    target.set(plain.subarray(offset - start, offset - start + length));
    plain.fill(0);
    return length;
  }

  /**
   * Pages of a database are asked for one by one; setting up the cipher for each costs more than decrypting. Where the
   * reading moves forward, many are decrypted at once.
   */
  #fromAhead(target: Uint8Array, offset: number): boolean {
    const forward = offset > this.#last && offset - this.#last <= NEAR;
    this.#last = offset;
    const inAhead = offset - this.#aheadOffset;
    if (inAhead >= 0 && inAhead + target.length <= this.#ahead.length) {
      target.set(this.#ahead.subarray(inAhead, inAhead + target.length));
      return true;
    }
    if (!forward) return false;
    const start = offset - (offset % BLOCK);
    const end = Math.min(this.#stored.size - (this.#stored.size % BLOCK), start + AHEAD);
    if (end < offset + target.length) return false;
    if (this.#ahead.length !== end - start) {
      this.#ahead.fill(0);
      this.#ahead = Buffer.alloc(end - start);
    }
    // Until it is filled it holds nothing.
    this.#aheadOffset = -AHEAD;
    this.#readBlocks(this.#ahead, start);
    this.#aheadOffset = start;
    target.set(this.#ahead.subarray(offset - start, offset - start + target.length));
    return true;
  }

  /** Ends the use of the key, and wipes it with what was decrypted. */
  close(): void {
    this.forget();
    this.#onClose();
    this.#stored.close();
  }

  /** The same while somebody still holds this: what is read from now on fails with `passwordNeeded`. */
  forget(): void {
    this.#forgotten = true;
    this.#ahead.fill(0);
    this.#ahead = Buffer.alloc(0);
    this.#key.fill(0);
  }

  /** @param target A multiple of 16 bytes, at a multiple of 16. */
  #readBlocks(target: Uint8Array, offset: number): void {
    const plain = this.#decrypt(offset, target.length);
    target.set(plain);
    plain.fill(0);
  }

  /** Whole blocks. What is read lies in a buffer that all sources share: each call is done with it when it returns. */
  #decrypt(offset: number, length: number): Buffer {
    const before = offset === 0 ? 0 : BLOCK;
    const whole = before + length;
    // A read of many megabytes is rare, and not kept room for.
    const sealed = whole <= sealedBuffer.length ? sealedBuffer.subarray(0, whole) : Buffer.allocUnsafe(whole);
    const count = this.#stored.read(sealed, offset - before);
    if (count !== whole) throw new AppError('fileDamaged', `the stored file ended at ${offset - before + count}`);
    return decryptBlocks(this.#key, sealed.subarray(before), before ? sealed.subarray(0, BLOCK) : undefined);
  }
}

const sealedBuffer = Buffer.allocUnsafeSlow((1 << 20) + BLOCK);
