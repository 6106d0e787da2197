import { AppError } from '../../base/errors';
import { encodeBinaryPlist, encodeXmlPlist, parsePlist, type PlistValue } from '../../plist';
import type { ByteStream } from '../io/byteStream';
import { withDeadline } from '../io/deadline';

const LENGTH_BYTES = 4;
/** In bytes. Lists of apps with their metadata are some MiB; the bound keeps a broken peer from asking for 4 GiB. */
const MAX_MESSAGE = 64 << 20;
/** How long devices may take for a reply. */
export const REPLY_TIMEOUT_MS = 30_000;

export type PlistEncoding = 'xml' | 'binary';

export interface ReplyOptions {
  readonly signal?: AbortSignal | undefined;
  /** REPLY_TIMEOUT_MS if not given; Infinity waits for ever. */
  readonly timeoutMs?: number;
}

/** A connection of property lists, each behind its length as big-endian u32: lockdown and most services. */
export class PlistChannel {
  readonly stream: AbortableStream;
  /** For errors and the log, such as `lockdown`. */
  readonly #name: string;
  readonly #encoding: PlistEncoding;

  constructor(stream: AbortableStream, name: string, encoding: PlistEncoding = 'xml') {
    this.stream = stream;
    this.#name = name;
    this.#encoding = encoding;
  }

  /** @throws AppError `deviceGone`. */
  async send(message: PlistValue): Promise<void> {
    await this.stream.write(encodeMessage(message, this.#encoding));
  }

  /**
   * The next message, of either encoding.
   * @throws AppError `deviceGone`, `unexpectedReply`, `timedOut`, `cancelled`; after all but the first two the connection
   * is closed, since its next bytes could not be understood any more.
   */
  receive({ signal, timeoutMs = REPLY_TIMEOUT_MS }: ReplyOptions = {}): Promise<PlistValue> {
    const deadline = {
      ...(timeoutMs === Infinity ? {} : { timeoutMs }),
      signal,
      expired: () => new AppError('timedOut', `${this.#name} sent nothing for ${timeoutMs} ms`),
      giveUp: () => this.stream.abort(),
    };
    return withDeadline(deadline, this.#readMessage());
  }

  close(): Promise<void> {
    return this.stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #readMessage(): Promise<PlistValue> {
    const length = (await this.stream.read(LENGTH_BYTES)).readUInt32BE(0);
    if (length === 0 || length > MAX_MESSAGE) {
      this.stream.abort();
      throw new AppError('unexpectedReply', `${this.#name}: message of ${length} bytes; expected 1 to ${MAX_MESSAGE}`);
    }
    const body = await this.stream.read(length);
    try {
      return parsePlist(body);
    } catch (cause) {
      throw new AppError('unexpectedReply', `${this.#name}: message that cannot be read: ${String(cause)}`, { cause });
    }
  }
}

/** A byte stream that can also be ended at once. */
export interface AbortableStream extends ByteStream {
  abort(): void;
}

function encodeMessage(message: PlistValue, encoding: PlistEncoding): Buffer {
  const body = encoding === 'xml' ? Buffer.from(encodeXmlPlist(message)) : encodeBinaryPlist(message);
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  bytes.writeUInt32BE(body.length, 0);
  body.copy(bytes, LENGTH_BYTES);
  return bytes;
}
