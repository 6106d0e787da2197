import { AppError, isAppError, type ErrorCode } from '../../base/errors';
import { throwIfAborted } from '../../base/abort';
import { withDeadline } from '../io/deadline';
import { REPLY_TIMEOUT_MS, type AbortableStream } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { AfcOperation, encodeAfcPacket, readAfcPacket, type AfcPacket } from './afcPacket';

const SERVICE = 'com.apple.afc';
/** In bytes; what the common tools ask for at once. */
const BLOCK = 64 << 10;
const EMPTY = Buffer.alloc(0);

const openModes = {
  read: 1,
  readWriteCreate: 2,
  writeTruncate: 3,
  readWriteTruncate: 4,
  append: 5,
  readAppend: 6,
} as const;
export type AfcOpenMode = keyof typeof openModes;

/** flock() operations, never waiting. */
const lockOperations = { shared: 5, exclusive: 6, unlock: 12 } as const;
export type AfcLock = keyof typeof lockOperations;

const AfcStatus = { success: 0, endOfData: 14 } as const;

/** Status numbers that a caller can act on; any other is `deviceReportedError`. */
const codes: Readonly<Record<number, ErrorCode>> = {
  8: 'fileNotFound',
  10: 'valueRefused', // permission denied
  17: 'deviceBusy', // object busy
  18: 'deviceDiskFull',
  19: 'deviceBusy', // the operation would block: somebody else holds the lock
};

export interface AfcFileInfo {
  readonly sizeBytes: number;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Absent where the device does not tell. */
  readonly modified?: Date;
  readonly linkTarget?: string;
}

export interface AfcDeviceInfo {
  readonly model: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * Files below `/var/mobile/Media` of a device; paths begin with `/`, which is that folder.
 *
 * Every method fails with `fileNotFound`, `deviceBusy`, `deviceDiskFull`, `valueRefused`, `deviceReportedError`
 * (details.afcStatus is the device's number), `deviceGone`, `timedOut` or `unexpectedReply`. Requests are sent one after
 * the other; close() ends one that waits.
 */
export class AfcClient implements AsyncDisposable {
  readonly #stream: AbortableStream;
  #packetNumber = 0n;
  #last: Promise<unknown> = Promise.resolve();

  /** @param stream A connection to the service. */
  constructor(stream: AbortableStream) {
    this.#stream = stream;
  }

  /** @throws AppError as TrustedDevice.startService(). */
  static async open(device: TrustedDevice, signal?: AbortSignal): Promise<AfcClient> {
    return new AfcClient(await device.startService(SERVICE, {}, signal));
  }

  /** Names, without `.` and `..`. */
  async readDirectory(path: string): Promise<readonly string[]> {
    const names = textsOf(await this.request(AfcOperation.readDirectory, pathBytes(path)));
    return names.filter((name) => name !== '' && name !== '.' && name !== '..');
  }

  async fileInfo(path: string): Promise<AfcFileInfo> {
    const pairs = pairsOf(await this.request(AfcOperation.fileInfo, pathBytes(path)));
    const modified = dateOf(pairs.get('st_mtime'));
    const linkTarget = pairs.get('LinkTarget');
    return {
      sizeBytes: Number(pairs.get('st_size') ?? 0),
      type: typeOf(pairs.get('st_ifmt')),
      ...(modified ? { modified } : {}),
      ...(linkTarget === undefined ? {} : { linkTarget }),
    };
  }

  async deviceInfo(): Promise<AfcDeviceInfo> {
    const pairs = pairsOf(await this.request(AfcOperation.deviceInfo, EMPTY));
    return {
      model: pairs.get('Model') ?? '',
      totalBytes: Number(pairs.get('FSTotalBytes') ?? 0),
      freeBytes: Number(pairs.get('FSFreeBytes') ?? 0),
    };
  }

  /** With parents; an existing folder is fine. */
  async makeDirectory(path: string): Promise<void> {
    await this.request(AfcOperation.makeDirectory, pathBytes(path));
  }

  /** A file, a link, or an empty folder. */
  async remove(path: string): Promise<void> {
    await this.request(AfcOperation.removePath, pathBytes(path));
  }

  async removeWithContents(path: string): Promise<void> {
    await this.request(AfcOperation.removePathAndContents, pathBytes(path));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.request(AfcOperation.rename, Buffer.concat([pathBytes(from), pathBytes(to)]));
  }

  async openFile(path: string, mode: AfcOpenMode): Promise<AfcFile> {
    const body = await this.request(AfcOperation.fileOpen, Buffer.concat([u64(openModes[mode]), pathBytes(path)]));
    if (body.length < 8) throw new AppError('unexpectedReply', 'AFC: opened a file without naming its handle');
    return new AfcFile(this, body.readBigUInt64LE(0));
  }

  /** The content in blocks, as the device sends them. */
  async *readBlocks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    await using file = await this.openFile(path, 'read');
    for (;;) {
      throwIfAborted(signal);
      const block = await file.read(BLOCK);
      if (block.length === 0) return;
      yield block;
    }
  }

  /**
   * A whole small file; undefined when there is none.
   * @throws AppError `unexpectedReply` too, if it has more than `maxBytes`.
   */
  async readFile(path: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    const blocks: Buffer[] = [];
    let length = 0;
    try {
      for await (const block of this.readBlocks(path, signal)) {
        length += block.length;
        if (length > maxBytes) throw new AppError('unexpectedReply', `AFC: ${path} has more than ${maxBytes} bytes`);
        blocks.push(block);
      }
    } catch (error) {
      if (isAppError(error, 'fileNotFound')) return undefined;
      throw error;
    }
    return Buffer.concat(blocks, length);
  }

  /** Replaces a file's content, or makes the file; its folder has to be there. */
  async writeFile(path: string, content: Uint8Array): Promise<void> {
    await using file = await this.openFile(path, 'writeTruncate');
    for (let at = 0; at < content.length; at += BLOCK) await file.write(content.subarray(at, at + BLOCK));
  }

  /** Any operation: the body of its reply, empty for a mere success. For AfcFile. */
  request(operation: number, parameters: Buffer, payload?: Uint8Array): Promise<Buffer> {
    const run = () =>
      withDeadline(
        {
          timeoutMs: REPLY_TIMEOUT_MS,
          expired: () => new AppError('timedOut', `AFC: no reply to operation ${operation} in ${REPLY_TIMEOUT_MS} ms`),
          giveUp: () => this.#stream.abort(),
        },
        this.#exchange(operation, parameters, payload),
      );
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => {});
    return result;
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** After an unexpected one nothing that follows could be understood: the connection is closed. */
  async #readReply(packetNumber: bigint): Promise<AfcPacket> {
    try {
      const reply = await readAfcPacket(this.#stream);
      if (reply.packetNumber === packetNumber) return reply;
      throw new AppError('unexpectedReply', `AFC: reply to packet ${reply.packetNumber}; expected ${packetNumber}`);
    } catch (error) {
      this.#stream.abort();
      throw error;
    }
  }

  async #exchange(operation: number, parameters: Buffer, payload: Uint8Array | undefined): Promise<Buffer> {
    const packetNumber = ++this.#packetNumber;
    await this.#stream.write(encodeAfcPacket({ packetNumber, operation, body: parameters }, payload));
    const reply = await this.#readReply(packetNumber);
    if (reply.operation !== AfcOperation.status) return reply.body;
    const status = reply.body.length >= 8 ? Number(reply.body.readBigUInt64LE(0)) : -1;
    if (status === AfcStatus.success || status === AfcStatus.endOfData) return EMPTY;
    throw new AppError(
      codes[status] ?? 'deviceReportedError',
      `AFC: operation ${operation} answered with status ${status}`,
      {
        details: { afcStatus: status, number: status, description: `AFC operation ${operation}` },
      },
    );
  }
}

/** An open file on the device. Its lock ends with it. */
export class AfcFile implements AsyncDisposable {
  readonly #afc: AfcClient;
  readonly #handle: Buffer;
  #closed = false;

  constructor(afc: AfcClient, handle: bigint) {
    this.#afc = afc;
    this.#handle = u64(handle);
  }

  /** Up to `length` bytes; none at the end. */
  read(length: number): Promise<Buffer> {
    return this.#afc.request(AfcOperation.fileRead, Buffer.concat([this.#handle, u64(length)]));
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#afc.request(AfcOperation.fileWrite, this.#handle, bytes);
  }

  /** Fails with `deviceBusy` at once if somebody else holds it. */
  async lock(lock: AfcLock): Promise<void> {
    await this.#afc.request(AfcOperation.fileLock, Buffer.concat([this.#handle, u64(lockOperations[lock])]));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#afc.request(AfcOperation.fileClose, this.#handle);
  }

  /** Unlike close(), does not mind if the connection is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {});
  }
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function pathBytes(path: string): Buffer {
  return Buffer.from(`${path}\0`);
}

function textsOf(body: Buffer): string[] {
  return body.toString('utf8').split('\0');
}

/** Key, value, key, value … */
function pairsOf(body: Buffer): ReadonlyMap<string, string> {
  const texts = textsOf(body);
  const pairs = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length; i += 2) pairs.set(texts[i] as string, texts[i + 1] as string);
  return pairs;
}

function typeOf(format: string | undefined): AfcFileInfo['type'] {
  if (format === 'S_IFREG') return 'file';
  if (format === 'S_IFDIR') return 'directory';
  return format === 'S_IFLNK' ? 'symlink' : 'other';
}

/** @param nanoseconds Since 1970, as decimal text. */
function dateOf(nanoseconds: string | undefined): Date | undefined {
  const date = new Date(Number(nanoseconds ?? Number.NaN) / 1e6);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
