import {
  decodeBinaryPlist,
  encodeBinaryPlist,
  isBinaryPlist,
  isDict,
  numberOf,
  PlistReal,
  type PlistArray,
  type PlistValue,
} from '../../../src/plist';
import type { ServiceStream } from '../serviceConnection';
import { HostFault, HostLeft } from './hostFault';

/** Stands for "no value" in an array. */
export const NO_VALUE = '___EmptyParameterString___';

/** A listing of a large folder is a few MiB. */
const MAX_MESSAGE = 256 * 1024 * 1024;

/** What a host answers to each message: `["DLMessageStatusResponse", code, text, value]`. */
export interface HostStatus {
  /** 0 or negative. */
  readonly code: number;
  readonly text: string;
  readonly value: PlistValue;
}

/** The device's end of DeviceLink: arrays as binary property lists, and raw bytes between them. */
export class DeviceLink {
  readonly #stream: ServiceStream;
  #header: Promise<Buffer> | undefined;
  #hostSpoke = false;

  constructor(stream: ServiceStream) {
    this.#stream = stream;
  }

  /** Opens the conversation: the device speaks first. */
  async open(): Promise<void> {
    await this.send(['DLMessageVersionExchange', 300, 0]);
    const answer = await this.receive();
    if (answer[0] !== 'DLMessageVersionExchange' || answer[1] !== 'DLVersionsOk' || answer.length !== 3) {
      throw new HostFault(`the version exchange is answered with ${describe(answer)}`);
    }
    const major = answer[2];
    if (typeof major !== 'number' || major < 300) throw new HostFault(`the host speaks DeviceLink ${shown(major)}`);
    await this.send(['DLMessageDeviceReady']);
  }

  /**
   * Sends a message; the host must be silent until it gets one.
   * @throws HostLeft, HostFault when it has spoken out of turn.
   */
  async send(message: PlistArray): Promise<void> {
    await this.sendBody(encodeBinaryPlist(message));
  }

  /** A message whose bytes are given, sound or not. */
  async sendBody(body: Uint8Array): Promise<void> {
    await this.checkSilence();
    await this.#stream.writeMessage(body);
  }

  /** Raw bytes behind an UploadFiles message. They must not be changed until this resolves. */
  async sendRaw(bytes: Uint8Array): Promise<void> {
    await this.checkSilence();
    await this.#stream.write(bytes);
  }

  /** @throws HostLeft when it is DLMessageDisconnect; HostFault when it is no DeviceLink message. */
  async receive(): Promise<PlistArray> {
    const length = await this.readLength();
    if (length === 0 || length > MAX_MESSAGE) throw new HostFault(`the host announces a message of ${length} bytes`);
    const body = await this.#stream.read(length);
    if (!isBinaryPlist(body)) throw new HostFault('the host sends a message that is no binary property list');
    let message: PlistValue;
    try {
      message = decodeBinaryPlist(body, { maxBytes: MAX_MESSAGE, maxObjects: 50_000_000 });
    } catch (error) {
      throw new HostFault(`the host sends a damaged message: ${String(error)}`);
    }
    if (!Array.isArray(message) || typeof message[0] !== 'string') {
      throw new HostFault('the host sends a message that is no array with a name');
    }
    const array = message as PlistArray;
    if (array[0] === 'DLMessageDisconnect') throw new HostLeft('the host disconnects');
    return array;
  }

  /** The one answer to the message before. */
  async status(what: string): Promise<HostStatus> {
    const message = await this.receive();
    if (message[0] !== 'DLMessageStatusResponse') {
      throw new HostFault(`${what} is answered with ${describe(message)} instead of a status`);
    }
    if (message.length !== 4) throw new HostFault(`the status for ${what} has ${message.length} elements instead of 4`);
    const code = signed(message[1]);
    if (code === undefined || code > 0) throw new HostFault(`the status for ${what} has the code ${shown(message[1])}`);
    const text = message[2];
    if (typeof text !== 'string') throw new HostFault(`the status for ${what} has no text`);
    const status = { code, text, value: message[3] ?? NO_VALUE };
    this.#listen();
    return status;
  }

  /** A status that carries nothing. @throws HostFault when it does. */
  async plainStatus(what: string): Promise<HostStatus> {
    const status = await this.status(what);
    const { value } = status;
    const empty = value === NO_VALUE || (isDict(value) && value.size === 0);
    if (!empty) throw new HostFault(`the status for ${what} carries a value`);
    return status;
  }

  /** u32BE: length of a message, of a path, or of a block. */
  async readLength(): Promise<number> {
    const header = this.#header ?? this.#stream.read(4);
    this.#header = undefined;
    const bytes = await header;
    this.#hostSpoke = false;
    return bytes.readUInt32BE(0);
  }

  read(length: number): Promise<Buffer> {
    return this.#stream.read(length);
  }

  readSome(max: number): Promise<Buffer> {
    return this.#stream.readSome(max);
  }

  /** Does something that takes time, and notices when the host leaves meanwhile; the work's signal is aborted then. */
  async whileWaiting<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#listen();
    const abort = new AbortController();
    const spoken = (this.#header as Promise<Buffer>).then(
      () => undefined,
      () => undefined,
    );
    const working = work(abort.signal);
    await Promise.race([working.catch(() => undefined), spoken]);
    if (!this.#hostSpoke) return working;
    abort.abort();
    await working.catch(() => undefined);
    await this.checkSilence();
    return working;
  }

  /** @throws HostLeft, HostFault unless the host has been silent since its last answer. */
  async checkSilence(): Promise<void> {
    if (!this.#hostSpoke) return;
    const message = await this.receive();
    throw new HostFault(`the host sends ${describe(message)} while it is the device's turn`);
  }

  /** Starts to read what may come out of turn. */
  #listen(): void {
    if (this.#header) return;
    this.#header = this.#stream.read(4);
    const spoke = () => {
      this.#hostSpoke = true;
    };
    this.#header.then(spoke, spoke);
  }
}

/** The name of a message, for the log. */
export function describe(message: PlistArray): string {
  const [name, body] = message;
  return isDict(body) ? `${shown(name)} ${shown(body.get('MessageName'))}` : shown(name);
}

/** A plain value for the log; of others only that they are none. */
export function shown(value: PlistValue | undefined): string {
  return typeof value === 'object' && value !== null ? 'something that is no plain value' : String(value);
}

/** An integer; Python's clients write negative ones as unsigned numbers of 64 bits. Undefined for anything else. */
export function signed(value: PlistValue | undefined): number | undefined {
  if (value instanceof PlistReal) return undefined;
  if (typeof value === 'bigint') return Number(BigInt.asIntN(64, value));
  const number = numberOf(value);
  return number !== undefined && Number.isInteger(number) ? number : undefined;
}
