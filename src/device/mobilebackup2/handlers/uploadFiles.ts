import { AppError, cancelled } from '../../../base/errors';
import { numberOf } from '../../../plist';
import type { BufferedInput } from '../bufferedInput';
import type { DeviceLinkMessage } from '../deviceLink';
import type { LoopContext } from '../loopContext';
import { fileFailure, isDiskFull } from '../statusCodes';
import { BufferPool, WriteBehind } from '../writeBehind';
import { WriteQueue } from '../writeQueue';

/** Codes of a block. Any other ends the file as the device's error does. */
const END_OF_FILE = 0x00;
const FILE_DATA = 0x0c;
/** Block header: u32BE length of what follows, code. */
const HEADER_LENGTH = 5;
/** A longer name is a sign that we are out of step with the device. */
const MAX_NAME_LENGTH = 64 * 1024;
/** Of the device's text for a file that it cannot send. */
const MAX_REASON_LENGTH = 4096;
/** Files up to this size are written whole, several at a time; bigger ones piece by piece. */
const SMALL_FILE_MAX = 256 * 1024;
/** Bytes of a big file that are waited for at once: so many a slow device sends well within the time of a stall. */
const DIRECT_MAX = 128 * 1024;
/** Failures of one batch that the log names. */
const MAX_LOGGED = 10;
/** In bytes; it has about 200. */
const STATUS_FILE_MAX = 4096;

/**
 * `["DLMessageUploadFiles", {options}, percent, total bytes]`, and behind it the files: for each the length and name on
 * the device, the length and name here, blocks of data, one block that ends it. A length of 0 ends the list.
 *
 * The device streams on whatever happens here: after a failure of ours the rest is read past, and the answer tells. A
 * file that the *device* could not read is its own affair, and is no failure to it either.
 */
export async function uploadFiles({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const { link, progress, facts } = context;
  const announced = numberOf(elements[3]) ?? 0;
  // Between moving and removing it only notes in Status.plist how far it is.
  if (announced > STATUS_FILE_MAX || !['moving', 'removing'].includes(progress.stage)) progress.enter('receiving');
  progress.beginBatch(numberOf(elements[2]), announced);
  const upload = new Upload(context);
  try {
    await link.raw(() => upload.receive());
  } finally {
    await upload.settle();
  }
  progress.endBatch();
  const error = upload.error;
  if (error === undefined) return link.sendStatus(0);
  facts.addLocalError(error);
  const { code, text } = fileFailure(error);
  return link.sendStatus(code, text);
}

class Upload {
  readonly #input: BufferedInput;
  readonly #queue: WriteQueue;
  readonly #pool = new BufferPool();
  #diskFull = false;
  #failures = 0;
  /** The first failure on this computer. */
  error: unknown;

  constructor(private readonly context: LoopContext) {
    this.#input = context.link.input;
    this.#queue = new WriteQueue((path, error) => this.#fail(path, error));
  }

  async receive(): Promise<void> {
    for (;;) {
      const devicePath = await this.#readName();
      if (devicePath === undefined) return;
      const hostPath = await this.#readName();
      if (hostPath === undefined) throw new AppError('unexpectedReply', `${this.#place()}: a file without a name`);
      await this.#receiveFile(devicePath.toString('utf8'), hostPath);
      if (this.context.cut.aborted) throw cancelled();
    }
  }

  /** Waits for what is still on its way to the disk. Never fails. */
  settle(): Promise<void> {
    return this.#queue.drain();
  }

  async #readName(): Promise<Buffer | undefined> {
    const input = this.#input;
    if (input.available < 4) await input.ensure(4);
    const length = input.takeUInt32();
    if (length === 0) return undefined;
    if (length > MAX_NAME_LENGTH) {
      throw new AppError('unexpectedReply', `${this.#place()}: a name of ${length} bytes; out of step with the device`);
    }
    return length <= input.available ? input.take(length) : input.read(length);
  }

  async #receiveFile(devicePath: string, hostName: Buffer): Promise<void> {
    const input = this.#input;
    const hostPath = hostName.toString('utf8');
    const discard = this.#diskFull || !this.#isText(hostName, hostPath);
    const file = new IncomingFile(this.context, this.#queue, this.#pool, hostPath, discard);
    try {
      for (;;) {
        if (input.available < HEADER_LENGTH) await input.ensure(4);
        const length = input.takeUInt32();
        if (length === 0) break; // No block at all: nothing more can be said of this file.
        if (input.available < 1) await input.ensure(1);
        const code = input.takeByte();
        if (code !== FILE_DATA) {
          if (code === END_OF_FILE) await input.skip(length - 1);
          else this.#noteDeviceError(devicePath, hostPath, file.size > 0, await this.#readReason(length - 1));
          if (code !== END_OF_FILE && file.size === 0) return await file.abort();
          break;
        }
        for (let left = length - 1; left > 0;) {
          const count = file.isBig ? await file.fill(input, left) : 0;
          if (count > 0) {
            left -= count;
            this.context.progress.addBytes(count);
            continue;
          }
          if (input.available === 0) await input.ensure(1);
          const piece = input.take(left);
          left -= piece.length;
          this.context.progress.addBytes(piece.length);
          const waiting = file.append(piece);
          if (waiting) await waiting;
        }
      }
      const waiting = file.end();
      if (waiting) await waiting;
    } catch (error) {
      await file.abort();
      throw error;
    }
  }

  /** Bytes that are no UTF-8 would be stored under another name, and two of them perhaps under the same. */
  #isText(bytes: Buffer, text: string): boolean {
    if (!text.includes('\uFFFD') || Buffer.from(text).equals(bytes)) return true;
    this.#fail(text, new AppError('nameNotPossible', 'a file name that is no UTF-8', { details: { name: text } }));
    return false;
  }

  async #readReason(length: number): Promise<string> {
    const text = await this.#input.read(Math.min(length, MAX_REASON_LENGTH));
    await this.#input.skip(length - text.length);
    return text.toString('utf8');
  }

  #noteDeviceError(devicePath: string, hostPath: string, kept: boolean, reason: string): void {
    const { facts, progress, log } = this.context;
    facts.addSkipped({ devicePath, hostPath, reason, kept });
    progress.addWarning();
    log.warn(`the device could not send ${kept ? 'the end of ' : ''}a file (${hostPath}): ${reason}`);
  }

  #fail(path: string, error: unknown): void {
    this.error ??= error;
    // No more attempts in this batch: small files that still fit would take the last room from everybody.
    if (isDiskFull(error)) this.#diskFull = true;
    if (++this.#failures > MAX_LOGGED) return;
    this.context.log.warn(`${path} could not be stored: ${error instanceof Error ? error.message : String(error)}`);
  }

  #place(): string {
    return `upload, byte ${this.#input.consumed - 4} of the connection`;
  }
}

/** Collects a file in memory until it is complete, or until it is too big for that. */
class IncomingFile {
  size = 0;
  #parts: Buffer[] = [];
  #big: WriteBehind | undefined;

  constructor(
    private readonly context: LoopContext,
    private readonly queue: WriteQueue,
    private readonly pool: BufferPool,
    private readonly path: string,
    /** Nothing is written: the bytes are only read past. */
    private readonly discard: boolean,
  ) {}

  get isBig(): boolean {
    return this.#big !== undefined;
  }

  /** Takes the next bytes, `max` at most, straight from the device. @returns how many; 0 when nothing can be stored */
  async fill(input: BufferedInput, max: number): Promise<number> {
    const room = await this.#big?.room(Math.min(max, DIRECT_MAX));
    if (!room) return 0;
    await input.readInto(room);
    this.size += room.length;
    this.#big?.filled(room.length);
    return room.length;
  }

  append(piece: Buffer): Promise<void> | undefined {
    this.size += piece.length;
    if (this.discard) return undefined;
    if (this.#big) return this.#big.write(piece);
    if (this.size <= SMALL_FILE_MAX) {
      this.#parts.push(piece);
      return undefined;
    }
    return this.#becomeBig(piece);
  }

  end(): Promise<void> | undefined {
    this.context.progress.addFile();
    if (this.discard) return undefined;
    const big = this.#big;
    if (big) {
      // Its path was free when it began, and its bytes lie in the pool.
      this.#big = undefined;
      this.queue.add(this.path, 0, () => big.commit());
      return undefined;
    }
    return this.queue.isBusyFor(this.path, this.size) ? this.#writeLater() : this.#write();
  }

  async abort(): Promise<void> {
    this.#parts = [];
    const big = this.#big;
    this.#big = undefined;
    await big?.abort();
  }

  async #writeLater(): Promise<void> {
    await this.queue.waitFor(this.path, this.size);
    this.#write();
  }

  #write(): undefined {
    const [first] = this.#parts;
    const content = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts, this.size);
    this.#parts = [];
    this.queue.add(this.path, content.length, () => this.context.store.writeFile(this.path, content));
    return undefined;
  }

  async #becomeBig(piece: Buffer): Promise<void> {
    await this.queue.waitFor(this.path, 0);
    this.#big = new WriteBehind(this.pool, this.context.store.create(this.path));
    for (const part of this.#parts) await this.#big.write(part);
    this.#parts = [];
    await this.#big.write(piece);
  }
}
