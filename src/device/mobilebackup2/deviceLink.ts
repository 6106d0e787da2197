import { abortable } from '../../base/abort';
import { AppError, isAppError } from '../../base/errors';
import {
  asArray,
  asString,
  encodeBinaryPlist,
  isPlistError,
  numberOf,
  parsePlist,
  type PlistArray,
  type PlistDict,
  type PlistValue,
} from '../../plist';
import type { ByteStream } from '../io/byteStream';
import { BufferedInput } from './bufferedInput';
import { settledWithin } from './settledWithin';

/** Stands for "no value": an array in a property list cannot hold null. */
export const EMPTY_PARAMETER = '___EmptyParameterString___';

/** In bytes. A MoveItems or directory listing of 100,000 entries has 20 MiB. */
const MAX_MESSAGE_LENGTH = 128 * 1024 * 1024;
/** The newest DeviceLink version that we speak; devices of today say 300. */
const VERSION = 400;
/** A device that sends or takes no byte inside a message or a block is lost. Between messages it may be silent for ever. */
const STALL_MS = 5 * 60_000;
/** How long the device may take to close after we said goodbye. */
const FAREWELL_MS = 2_000;
const FAREWELL_HARD_MS = 5_000;

/** `["DLMessage…", …]` */
export interface DeviceLinkMessage {
  readonly name: string;
  /** The whole array; the name is element 0. */
  readonly elements: PlistArray;
}

/**
 * DeviceLink: length-prefixed binary property lists whose root is an array, and raw blocks in between. After the opening
 * the device asks and the host answers, strictly in turn.
 */
export class DeviceLink {
  readonly input: BufferedInput;
  #writingSince = 0;
  #stalled = false;
  #closed: Promise<void> | undefined;
  #receiving: Promise<DeviceLinkMessage> | undefined;
  readonly #watch: NodeJS.Timeout;

  /** @param stallMs Only tests ask for less. */
  constructor(
    private readonly stream: ByteStream,
    private readonly stallMs = STALL_MS,
  ) {
    this.input = new BufferedInput(stream);
    this.#watch = setInterval(() => this.#closeIfStalled(), Math.min(5_000, stallMs / 4));
    this.#watch.unref();
  }

  /**
   * The opening: the device names its version, we accept, it says that it is ready.
   * @returns the version that the device has offered
   * @throws AppError `unexpectedReply` for a device that speaks a newer protocol, or another one.
   */
  async open(signal?: AbortSignal): Promise<number> {
    const offer = await this.receive(signal);
    const major = numberOf(offer.elements[1]);
    if (offer.name !== 'DLMessageVersionExchange' || major === undefined) {
      throw new AppError('unexpectedReply', `DeviceLink began with ${offer.name}, not with its version`);
    }
    if (major > VERSION)
      throw new AppError('unexpectedReply', `DeviceLink version ${major}; at most ${VERSION} is known`);
    await this.send(['DLMessageVersionExchange', 'DLVersionsOk', VERSION]);
    const ready = await this.receive(signal);
    if (ready.name !== 'DLMessageDeviceReady') {
      throw new AppError('unexpectedReply', `${ready.name} instead of DLMessageDeviceReady`);
    }
    return major;
  }

  /**
   * The next message, however long it takes to come. After a cancellation the connection is good for disconnect() only:
   * a message may be lost.
   * @throws AppError `deviceGone`, `timedOut` (a message broke off), `unexpectedReply`, `cancelled`.
   */
  async receive(signal?: AbortSignal): Promise<DeviceLinkMessage> {
    const receiving = (this.#receiving = this.#receive());
    const message = await abortable(receiving, signal);
    this.#receiving = undefined;
    return message;
  }

  async send(message: PlistArray): Promise<void> {
    const body = encodeBinaryPlist(message);
    const framed = Buffer.allocUnsafe(4 + body.length);
    framed.writeUInt32BE(body.length, 0);
    body.copy(framed, 4);
    await this.write(framed);
  }

  /** A request of mobilebackup2, or the answer to one. */
  process(request: PlistDict): Promise<void> {
    return this.send(['DLMessageProcessMessage', request]);
  }

  /** The one answer that each of the device's messages gets. */
  sendStatus(code: number, text: string = EMPTY_PARAMETER, value: PlistValue = new Map()): Promise<void> {
    return this.send(['DLMessageStatusResponse', code, text, value]);
  }

  /** Raw bytes. They may be reused once this resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#writingSince = Date.now();
    try {
      await this.stream.write(bytes);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.#writingSince = 0;
    }
  }

  /** Runs a part of the protocol that reads raw blocks, so that a stalled device is told from one that has gone. */
  async raw<T>(part: () => Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Says goodbye, gives the device 2 s to close, and closes. Never fails, never takes more than 5 s. */
  async disconnect(): Promise<void> {
    if (!this.#closed) {
      await settledWithin(
        FAREWELL_HARD_MS,
        this.send(['DLMessageDisconnect', EMPTY_PARAMETER]).then(() => settledWithin(FAREWELL_MS, this.#untilClosed())),
      );
    }
    await this.close();
  }

  /** Closes at once: for a connection that is out of step. */
  close(): Promise<void> {
    clearInterval(this.#watch);
    this.#closed ??= this.stream.close().catch(() => {});
    return this.#closed;
  }

  async #receive(): Promise<DeviceLinkMessage> {
    try {
      await this.input.waitForData();
      await this.input.ensure(4);
      const length = this.input.takeUInt32();
      if (length === 0 || length > MAX_MESSAGE_LENGTH) {
        throw new AppError(
          'unexpectedReply',
          `DeviceLink message of ${length} bytes at ${this.input.consumed - 4}; expected 1 to ${MAX_MESSAGE_LENGTH}`,
        );
      }
      const elements = asArray(parsePlist(await this.input.read(length)), 'DeviceLink message');
      return { name: asString(elements[0], 'name of a DeviceLink message'), elements };
    } catch (error) {
      if (isPlistError(error)) {
        throw new AppError('unexpectedReply', `DeviceLink message: ${error.message}`, { cause: error });
      }
      throw this.#explain(error);
    }
  }

  async #untilClosed(): Promise<void> {
    await this.#receiving?.catch(() => {});
    for (;;) {
      await this.input.waitForData();
      this.input.take(this.input.available);
    }
  }

  #closeIfStalled(): void {
    const since = this.input.waitingSince || this.#writingSince;
    if (since === 0 || Date.now() - since < this.stallMs) return;
    this.#stalled = true;
    void this.close();
  }

  #explain(error: unknown): unknown {
    if (!this.#stalled || !isAppError(error, 'deviceGone')) return error;
    return new AppError('timedOut', `no byte from the device for ${this.stallMs} ms inside a message`, {
      cause: error,
    });
  }
}
