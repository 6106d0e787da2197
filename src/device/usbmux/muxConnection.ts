import { AppError, isAppError } from '../../base/errors';
import { dict, encodeXmlPlist, isPlistError, asDict, parsePlist, type PlistDict, type PlistValue } from '../../plist';
import { connectSocket } from '../io/connectSocket';
import { withDeadline } from '../io/deadline';
import type { SocketStream } from '../io/socketStream';
import { encodeFrame, readFrame } from './frame';
import { formatMuxAddress, type MuxAddress } from './muxAddress';

export const REPLY_TIMEOUT_MS = 5_000;
const PROGRAM = 'ios-backup';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** What to fail with after that time, instead of `muxSilent`. */
  readonly timeout?: () => AppError;
}

/** One connection to usbmuxd, as long as usbmux messages go over it. */
export class MuxConnection {
  readonly #stream: SocketStream;
  readonly #address: MuxAddress;
  #tag = 0;

  private constructor(stream: SocketStream, address: MuxAddress) {
    this.#stream = stream;
    this.#address = address;
  }

  /** @throws AppError `muxAbsent`, `muxRefused`, `muxSilent`, `cancelled`. */
  static async open(address: MuxAddress, signal?: AbortSignal): Promise<MuxConnection> {
    try {
      return new MuxConnection(await connectSocket(address, { timeoutMs: REPLY_TIMEOUT_MS, signal }), address);
    } catch (error) {
      throw connectError(address, error);
    }
  }

  /**
   * Sends a request and waits for its reply.
   * @throws AppError `muxSilent` after `timeoutMs`, `muxProtocol`, `cancelled`; the connection is closed then.
   */
  async request(
    messageType: string,
    fields: Readonly<Record<string, PlistValue | undefined>>,
    { signal, timeoutMs = REPLY_TIMEOUT_MS, timeout }: RequestOptions = {},
  ): Promise<PlistDict> {
    const deadline = {
      timeoutMs,
      signal,
      expired: () =>
        timeout?.() ??
        new AppError(
          'muxSilent',
          `${formatMuxAddress(this.#address)} did not answer ${messageType} in ${timeoutMs} ms`,
        ),
      giveUp: () => this.#stream.abort(),
    };
    try {
      return await withDeadline(deadline, this.#exchange(messageType, fields));
    } catch (error) {
      this.#stream.abort();
      // Before a Connect has succeeded, the peer is the daemon, not a device.
      if (isAppError(error, 'deviceGone')) {
        throw new AppError('muxProtocol', `usbmuxd closed the connection instead of answering ${messageType}`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  /** The next message that the daemon sends by itself, whenever that is; close() ends the wait. */
  async nextEvent(): Promise<PlistDict> {
    return decodeBody((await readFrame(this.#stream)).body);
  }

  /** After a successful Connect the same socket leads to the device. */
  handOver(): SocketStream {
    return this.#stream;
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  async #exchange(messageType: string, fields: Readonly<Record<string, PlistValue | undefined>>): Promise<PlistDict> {
    const tag = ++this.#tag;
    const message = dict({
      MessageType: messageType,
      ClientVersionString: PROGRAM,
      ProgName: PROGRAM,
      kLibUSBMuxVersion: 3,
      ...fields,
    });
    await this.#stream.write(encodeFrame(tag, Buffer.from(encodeXmlPlist(message))));
    for (;;) {
      const frame = await readFrame(this.#stream);
      // A reply to something else cannot be ours: nothing was asked before.
      if (frame.tag === tag) return decodeBody(frame.body);
    }
  }
}

function decodeBody(body: Buffer): PlistDict {
  try {
    return asDict(parsePlist(body), 'the message');
  } catch (error) {
    if (!isPlistError(error)) throw error;
    throw new AppError('muxProtocol', `usbmuxd sent a message that cannot be read: ${error.message}`, { cause: error });
  }
}

function connectError(address: MuxAddress, error: unknown): unknown {
  const where = formatMuxAddress(address);
  if (isAppError(error, 'timedOut'))
    return new AppError('muxSilent', `${where} does not take connections`, { cause: error });
  if (isAppError(error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const details = { address: where, ...(code === undefined ? {} : { systemCode: code }) };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new AppError('muxRefused', `no permission for ${where}`, { cause: error, details });
    case 'EAGAIN': // Linux: the queue of a socket that nobody accepts from is full.
      return new AppError('muxSilent', `${where} does not take connections`, { cause: error, details });
    default:
      return new AppError('muxAbsent', `nothing listens at ${where}`, { cause: error, details });
  }
}
