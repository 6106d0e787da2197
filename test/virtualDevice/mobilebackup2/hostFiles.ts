import { dict, isDict, PlistReal, type PlistArray, type PlistValue } from '../../../src/plist';
import type { DeviceLink, HostStatus } from './deviceLink';
import { shown, signed } from './deviceLink';
import { HostFault } from './hostFault';

/** What the device does with the bytes of files that it reads from the host. */
export interface DownloadSink {
  begin?(path: string): void | Promise<void>;
  /** The bytes are the sink's. */
  data(path: string, bytes: Buffer): void | Promise<void>;
  /** All bytes have come. */
  end?(path: string): void | Promise<void>;
}

/** Why a file did not come. */
export interface DownloadFailure {
  /** As in DLFileErrorCode: -6 is "no such file". */
  readonly code: number;
  readonly text: string;
}

export interface Listed {
  readonly type: 'file' | 'directory' | 'unknown';
  readonly size: number;
}

const DATA = 0x0c;
const SUCCESS = 0x00;
const LOCAL_ERROR = 0x06;
/** Hosts send 32 KiB; a phone's service dies of much larger ones. */
const LARGEST_BLOCK = 4 * 1024 * 1024;

/** The host's files as the device uses them: one message, one answer. Every answer is checked. */
export class HostFiles {
  readonly #link: DeviceLink;
  readonly #log: (text: string) => void;
  #saidLarge = false;

  constructor(link: DeviceLink, log: (text: string) => void) {
    this.#link = link;
    this.#log = log;
  }

  /**
   * Reads files. Those that the host leaves out after a failure are failures too, with code -6 or what the host says.
   * @param progress Percent that will have been reached afterwards; 0: unknown.
   * @returns why files did not come, by path.
   */
  async download(paths: readonly string[], sink: DownloadSink, progress = 0): Promise<Map<string, DownloadFailure>> {
    const link = this.#link;
    await link.send(['DLMessageDownloadFiles', [...paths], dict({}), new PlistReal(progress), 0]);
    const complete = new Set<string>();
    const failed = new Set<string>();
    let expected = 0;
    for (;;) {
      const length = await link.readLength();
      if (length === 0) break;
      if (length > 4096) throw new HostFault(`a path of ${length} bytes in the stream of downloads`);
      const path = (await link.read(length)).toString('utf8');
      const index = paths.indexOf(path, expected);
      if (index < 0) throw new HostFault(`the host sends ${path}, which is not the next file that was asked for`);
      expected = index + 1;
      await sink.begin?.(path);
      if (await this.#readFile(path, sink)) complete.add(path);
      else failed.add(path);
    }
    return this.#checkDownloadStatus(paths, complete, failed, await link.status('DownloadFiles'));
  }

  /** Whole files, for small ones. Undefined: the host has none. @throws HostFault when it cannot be read otherwise. */
  async downloadWhole(path: string): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    const failures = await this.download([path], { data: (_path, bytes) => void parts.push(bytes) });
    const failure = failures.get(path);
    if (!failure) return Buffer.concat(parts);
    if (failure.code === -6) return undefined;
    throw new HostFault(`the host cannot read ${path}: ${failure.text} (${failure.code})`);
  }

  /** Names in a folder; empty when there is no such folder. */
  async list(path: string): Promise<Map<string, Listed>> {
    await this.#link.send(['DLContentsOfDirectory', path]);
    const status = await this.#link.status('ContentsOfDirectory');
    if (status.code !== 0) throw new HostFault(`the listing of ${path} fails: ${status.text} (${status.code})`);
    if (!isDict(status.value)) throw new HostFault(`the listing of ${path} is no dictionary`);
    const entries = new Map<string, Listed>();
    for (const [name, facts] of status.value) {
      if (!isDict(facts)) throw new HostFault(`the entry ${name} in the listing of ${path} is no dictionary`);
      const type = facts.get('DLFileType');
      const size = signed(facts.get('DLFileSize'));
      if (!(facts.get('DLFileModificationDate') instanceof Date) || size === undefined || size < 0) {
        throw new HostFault(`the entry ${name} in the listing of ${path} lacks its size or date`);
      }
      const kind = kinds.get(type);
      if (!kind) throw new HostFault(`the entry ${name} in the listing of ${path} is a ${shown(type)}`);
      entries.set(name, { type: kind, size });
    }
    return entries;
  }

  createDirectory(path: string): Promise<HostStatus> {
    return this.#ask('CreateDirectory', ['DLMessageCreateDirectory', path, dict({})]);
  }

  /** In this order. */
  move(pairs: ReadonlyMap<string, string>, progress: number): Promise<HostStatus> {
    return this.#ask('MoveItems', ['DLMessageMoveItems', pairs, dict({}), new PlistReal(progress)]);
  }

  remove(paths: readonly string[], progress: number): Promise<HostStatus> {
    return this.#ask('RemoveItems', ['DLMessageRemoveItems', [...paths], dict({}), new PlistReal(progress)]);
  }

  copy(from: string, to: string): Promise<HostStatus> {
    return this.#ask('CopyItem', ['DLMessageCopyItem', from, to, dict({}), new PlistReal(0)]);
  }

  /** Bytes that the host says are free. @throws HostFault when the answer is no number. */
  async freeSpace(): Promise<number> {
    await this.#link.send(['DLMessageGetFreeDiskSpace']);
    const status = await this.#link.status('GetFreeDiskSpace');
    const bytes = signed(status.value);
    if (status.code !== 0 || bytes === undefined || bytes < 0) {
      throw new HostFault(`free space is answered with ${shown(status.value)} (code ${status.code})`);
    }
    return bytes;
  }

  /** Asks the host to free so many bytes. @returns its code: 0 if it says it did. */
  async purge(bytes: number): Promise<number> {
    await this.#link.send(['DLMessagePurgeDiskSpace', bytes, 4]);
    return (await this.#link.status('PurgeDiskSpace')).code;
  }

  async #ask(what: string, message: PlistArray): Promise<HostStatus> {
    await this.#link.send(message);
    return this.#link.plainStatus(what);
  }

  /** @returns false when the host says that it cannot read the file (any more). */
  async #readFile(path: string, sink: DownloadSink): Promise<boolean> {
    const link = this.#link;
    for (;;) {
      const length = await link.readLength();
      if (length === 0) throw new HostFault(`a block without a code within ${path}`);
      const code = (await link.read(1))[0] as number;
      let left = length - 1;
      if (code === DATA) {
        this.#checkBlock(left);
        while (left > 0) {
          const bytes = await link.readSome(left);
          left -= bytes.length;
          await sink.data(path, bytes);
        }
      } else if (code === SUCCESS) {
        if (left > 0) throw new HostFault(`the end of ${path} carries ${left} bytes`);
        await sink.end?.(path);
        return true;
      } else if (code === LOCAL_ERROR) {
        if (left > 65_536) throw new HostFault(`an error text of ${left} bytes for ${path}`);
        this.#log(`the host cannot read ${path}: ${(await link.read(left)).toString('utf8')}`);
        return false;
      } else {
        throw new HostFault(`block code ${code} within ${path}`);
      }
    }
  }

  #checkBlock(length: number): void {
    if (length > LARGEST_BLOCK)
      throw new HostFault(`a block of ${length} bytes is more than the device has memory for`);
    if (length > 32_768 && !this.#saidLarge) {
      this.#saidLarge = true;
      this.#log(`the host sends blocks of ${length} bytes; 32 KiB are usual`);
    }
  }

  #checkDownloadStatus(
    paths: readonly string[],
    complete: ReadonlySet<string>,
    failed: ReadonlySet<string>,
    status: HostStatus,
  ): Map<string, DownloadFailure> {
    const failures = new Map<string, DownloadFailure>();
    if (status.code === 0) {
      if (failed.size > 0) throw new HostFault(`status 0 although ${[...failed][0]} failed`);
      const missing = paths.find((path) => !complete.has(path));
      if (missing !== undefined) throw new HostFault(`status 0 although ${missing} did not come`);
      return failures;
    }
    if (status.code !== -13 || !isDict(status.value)) {
      throw new HostFault(
        `the status of a download is ${status.code} "${status.text}"; several failures are -13 with a value each`,
      );
    }
    if (failed.size === 0) throw new HostFault('status -13 although no file failed');
    for (const [path, facts] of status.value) {
      if (complete.has(path)) throw new HostFault(`the status calls ${path} a failure, but it came`);
      failures.set(path, readFailure(path, facts));
    }
    for (const path of failed) {
      if (!failures.has(path)) throw new HostFault(`the status does not say why ${path} failed`);
    }
    for (const path of paths) {
      if (!complete.has(path) && !failures.has(path)) failures.set(path, { code: -6, text: 'left out by the host' });
    }
    return failures;
  }
}

const kinds = new Map<PlistValue | undefined, Listed['type']>([
  ['DLFileTypeRegular', 'file'],
  ['DLFileTypeDirectory', 'directory'],
  ['DLFileTypeUnknown', 'unknown'],
]);

function readFailure(path: string, facts: PlistValue): DownloadFailure {
  const code = isDict(facts) ? signed(facts.get('DLFileErrorCode')) : undefined;
  const text = isDict(facts) ? facts.get('DLFileErrorString') : undefined;
  if (code === undefined || code >= 0 || typeof text !== 'string') {
    throw new HostFault(`the failure of ${path} has no DLFileErrorCode below 0 or no DLFileErrorString`);
  }
  return { code, text };
}
