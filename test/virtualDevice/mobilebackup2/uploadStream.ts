import { createCipheriv, createHash, type Cipher, type Hash } from 'node:crypto';
import { dict, PlistReal } from '../../../src/plist';
import type { DeviceLink, HostStatus } from './deviceLink';

/** Where the bytes of one file come from. */
export interface UploadSource {
  readonly size: number;
  /** Fills `target` with the bytes from `offset` on. */
  fill(offset: number, target: Uint8Array): void;
}

export interface UploadOptions {
  /** Encrypts what is stored (AES-256-CBC, zero IV, PKCS#7). */
  readonly key?: Buffer | undefined;
  /** Asks for the SHA-1 of what is stored. */
  readonly digest?: boolean;
}

/** Small files share one write, big ones are cut into blocks of nearly this size. */
const BUFFER = 512 * 1024;
const SMALLEST_BLOCK = 32 * 1024;
const PLAIN_CHUNK = 256 * 1024;
const NO_IV = Buffer.alloc(16);

/** One UploadFiles message: the announcement, the stream of files behind it, and the host's status at its end. */
export class UploadStream {
  readonly #link: DeviceLink;
  #buffer = Buffer.allocUnsafe(BUFFER);
  #filled = 0;
  #writing: Promise<void> | undefined;
  #plain: Buffer | undefined;

  private constructor(link: DeviceLink) {
    this.#link = link;
  }

  /** @param total Bytes of the batch, for the host's progress only. */
  static async begin(link: DeviceLink, progress: number, total: number): Promise<UploadStream> {
    await link.send(['DLMessageUploadFiles', dict({}), new PlistReal(progress), total]);
    return new UploadStream(link);
  }

  /** Sends a file. @returns the SHA-1 of the stored bytes if asked for. */
  async file(
    devicePath: string,
    hostPath: string,
    source: UploadSource,
    options: UploadOptions = {},
  ): Promise<Buffer | undefined> {
    await this.#names(devicePath, hostPath);
    const hash = options.digest ? createHash('sha1') : undefined;
    // A file of no bytes stays one, also when it is encrypted.
    if (options.key && source.size > 0)
      await this.#encrypted(source, createCipheriv('aes-256-cbc', options.key, NO_IV), hash);
    else await this.#blocks(source, hash);
    await this.#end(0x00, '');
    return hash?.digest();
  }

  /** A file that the device cannot read: an error instead of content. */
  async unreadable(devicePath: string, hostPath: string, text: string): Promise<void> {
    await this.#names(devicePath, hostPath);
    await this.#end(0x0b, text);
  }

  /** Ends the list and reads the status. */
  async finish(): Promise<HostStatus> {
    await this.#reserve(4);
    this.#filled = this.#buffer.writeUInt32BE(0, this.#filled);
    await this.#flush();
    await this.#writing;
    return this.#link.plainStatus('UploadFiles');
  }

  async #names(devicePath: string, hostPath: string): Promise<void> {
    await this.#reserve(8 + (devicePath.length + hostPath.length) * 3);
    for (const path of [devicePath, hostPath]) {
      const length = this.#buffer.write(path, this.#filled + 4, 'utf8');
      this.#buffer.writeUInt32BE(length, this.#filled);
      this.#filled += 4 + length;
    }
  }

  async #blocks(source: UploadSource, hash: Hash | undefined): Promise<void> {
    for (let offset = 0; offset < source.size;) {
      const block = await this.#openBlock(source.size - offset);
      source.fill(offset, block);
      hash?.update(block);
      offset += block.length;
    }
  }

  async #encrypted(source: UploadSource, cipher: Cipher, hash: Hash | undefined): Promise<void> {
    this.#plain ??= Buffer.allocUnsafe(PLAIN_CHUNK);
    for (let offset = 0; offset < source.size;) {
      const plain = this.#plain.subarray(0, Math.min(PLAIN_CHUNK, source.size - offset));
      source.fill(offset, plain);
      offset += plain.length;
      const stored = cipher.update(plain);
      const last = offset === source.size ? cipher.final() : undefined;
      await this.#data(stored, hash);
      if (last) await this.#data(last, hash);
    }
  }

  async #data(bytes: Buffer, hash: Hash | undefined): Promise<void> {
    hash?.update(bytes);
    for (let offset = 0; offset < bytes.length;) {
      const block = await this.#openBlock(bytes.length - offset);
      bytes.copy(block, 0, offset, offset + block.length);
      offset += block.length;
    }
  }

  /** Room for a block of data of at most `wanted` bytes, with its header written. */
  async #openBlock(wanted: number): Promise<Buffer> {
    await this.#reserve(5 + Math.min(wanted, SMALLEST_BLOCK));
    const length = Math.min(wanted, BUFFER - this.#filled - 5);
    this.#filled = this.#buffer.writeUInt32BE(length + 1, this.#filled);
    this.#buffer[this.#filled++] = 0x0c;
    this.#filled += length;
    return this.#buffer.subarray(this.#filled - length, this.#filled);
  }

  async #end(code: number, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.#reserve(5 + bytes.length);
    this.#filled = this.#buffer.writeUInt32BE(bytes.length + 1, this.#filled);
    this.#buffer[this.#filled++] = code;
    this.#filled += bytes.copy(this.#buffer, this.#filled);
  }

  #reserve(length: number): Promise<void> | undefined {
    return this.#filled + length > BUFFER ? this.#flush() : undefined;
  }

  /** One buffer is on its way while the next one fills. */
  async #flush(): Promise<void> {
    await this.#writing;
    const writing = this.#link.sendRaw(this.#buffer.subarray(0, this.#filled));
    writing.catch(() => undefined); // Whoever waits for it gets the error.
    this.#writing = writing;
    this.#buffer = Buffer.allocUnsafe(BUFFER);
    this.#filled = 0;
  }
}
