import { cancelled } from '../../../base/errors';
import { dict, numberOf, type PlistValue } from '../../../plist';
import type { BackupStore, StoreReader } from '../backupStore';
import type { DeviceLink, DeviceLinkMessage } from '../deviceLink';
import type { LoopContext } from '../loopContext';
import { fileFailure, GENERIC_FAILURE, MULTI_STATUS, type FileFailure } from '../statusCodes';

const END_OF_FILE = 0x00;
const LOCAL_ERROR = 0x06;
const FILE_DATA = 0x0c;
const HEADER_LENGTH = 5;
/**
 * Content of one block. Bigger ones drive the device's backup agent over its memory limit, and it is killed: with 128 MiB
 * that happens on a large Manifest.db, and the backup stays at 0 % for ever. Apple's own host sends 32 KiB.
 */
const BLOCK_SIZE = 32 * 1024;
/** Several blocks go out in one write. */
const OUTPUT_SIZE = 8 * (HEADER_LENGTH + BLOCK_SIZE);
/** Files opened and begun to be read ahead of the one that is sent: with many small files the disk is the slow part. */
const READ_AHEAD_FILES = 6;
const READ_AHEAD_SIZE = 4 * BLOCK_SIZE;

/**
 * `["DLMessageDownloadFiles", [path, …], {options}, percent, …]`: sends files to the device, each as name, blocks and an
 * end or error block; a length of 0 ends the list. A file that is missing or cannot be read is told in its place and in
 * the answer, and the others follow all the same: on a first backup a missing Status.plist is the normal case.
 */
export async function downloadFiles({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const { link, store, progress, log } = context;
  const paths = Array.isArray(elements[1]) ? (elements[1] as readonly PlistValue[]) : [];
  progress.beginBatch(numberOf(elements[3]));
  const failures = new Map<string, PlistValue>();
  const output = new Output(link);
  const ahead = new ReadAhead(store, paths);
  try {
    for (const path of paths) {
      const name = typeof path === 'string' ? path : '';
      const failure = await sendFile(name, await ahead.next(), output, context);
      if (failure) {
        log.debug(`${JSON.stringify(name)} was asked for: ${failure.text}`);
        failures.set(name, dict({ DLFileErrorString: failure.text, DLFileErrorCode: failure.code }));
      }
      if (context.cut.aborted) throw cancelled();
    }
    await output.uint32(0);
    await output.flush();
  } finally {
    await ahead.close();
  }
  progress.endBatch();
  if (!Array.isArray(elements[1])) return link.sendStatus(GENERIC_FAILURE, 'A list of files was expected');
  return failures.size === 0 ? link.sendStatus(0) : link.sendStatus(MULTI_STATUS, 'Multi status', failures);
}

async function sendFile(
  path: string,
  begun: BegunFile,
  output: Output,
  { progress, facts, cut }: LoopContext,
): Promise<FileFailure | undefined> {
  await output.name(path);
  let failure: FileFailure | undefined;
  if ('error' in begun) {
    failure = fileFailure(begun.error);
  } else {
    try {
      if (begun.head.length > 0) await output.data(begun.head);
      progress.addBytes(begun.head.length);
      if (begun.reader) {
        const block = Buffer.allocUnsafe(READ_AHEAD_SIZE);
        for (;;) {
          const count = await begun.reader.read(block);
          if (count === 0) break;
          await output.data(block.subarray(0, count));
          progress.addBytes(count);
          if (cut.aborted) throw cancelled();
        }
      }
    } catch (error) {
      // A connection that broke is not a file that cannot be read.
      if (output.failed || cut.aborted) throw error;
      failure = fileFailure(error);
      facts.addLocalError(error);
    } finally {
      await closeQuietly(begun.reader);
    }
  }
  if (failure) await output.block(LOCAL_ERROR, Buffer.from(failure.text, 'utf8'));
  else await output.block(END_OF_FILE, Buffer.alloc(0));
  if (!failure) progress.addFile();
  return failure;
}

/** What was read ahead of a file: all of it, or its head and a reader for the rest, or why it cannot be read. */
type BegunFile = { readonly head: Buffer; readonly reader: StoreReader | undefined } | { readonly error: unknown };

class ReadAhead {
  readonly #begun: Promise<BegunFile>[] = [];
  #next = 0;

  constructor(
    private readonly store: BackupStore,
    private readonly paths: readonly PlistValue[],
  ) {}

  /** The next file of the list; its reader is the caller's to close. */
  next(): Promise<BegunFile> {
    while (this.#begun.length < READ_AHEAD_FILES && this.#next < this.paths.length) {
      this.#begun.push(this.#begin(this.paths[this.#next++]));
    }
    return this.#begun.shift() as Promise<BegunFile>;
  }

  /** Closes what was opened and not taken. */
  async close(): Promise<void> {
    this.#next = this.paths.length;
    for (const begun of this.#begun.splice(0)) {
      const file = await begun;
      if ('head' in file) await closeQuietly(file.reader);
    }
  }

  async #begin(path: PlistValue | undefined): Promise<BegunFile> {
    let reader: StoreReader | undefined;
    try {
      if (typeof path !== 'string') throw new Error('not a path');
      reader = await this.store.openRead(path);
      const head = Buffer.allocUnsafe(Math.max(1, Math.min(READ_AHEAD_SIZE, reader.sizeBytes)));
      const count = await reader.read(head);
      if (count < reader.sizeBytes) return { head: head.subarray(0, count), reader };
      await reader[Symbol.asyncDispose]();
      return { head: head.subarray(0, count), reader: undefined };
    } catch (error) {
      await closeQuietly(reader);
      return { error };
    }
  }
}

async function closeQuietly(reader: StoreReader | undefined): Promise<void> {
  try {
    await reader?.[Symbol.asyncDispose]();
  } catch {
    // It was only read; what matters of it has been said.
  }
}

/** Gathers blocks, so that many small ones become one write; one buffer is sent while the other is filled. */
class Output {
  #buffer = Buffer.allocUnsafe(OUTPUT_SIZE);
  #spare = Buffer.allocUnsafe(OUTPUT_SIZE);
  #filled = 0;
  #sending: Promise<void> = Promise.resolve();
  /** True once the connection does not take any more. */
  failed = false;

  constructor(private readonly link: DeviceLink) {}

  async name(path: string): Promise<void> {
    const bytes = Buffer.from(path, 'utf8');
    await this.uint32(bytes.length);
    await this.#raw(bytes);
  }

  async uint32(value: number): Promise<void> {
    if (this.#buffer.length - this.#filled < 4) await this.#send();
    this.#filled = this.#buffer.writeUInt32BE(value, this.#filled);
  }

  /** Content, in as many blocks as it needs. */
  async data(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += BLOCK_SIZE) {
      await this.block(FILE_DATA, bytes.subarray(offset, offset + BLOCK_SIZE));
    }
  }

  async block(code: number, content: Buffer): Promise<void> {
    if (this.#buffer.length - this.#filled < HEADER_LENGTH + content.length) await this.#send();
    this.#filled = this.#buffer.writeUInt32BE(content.length + 1, this.#filled);
    this.#filled = this.#buffer.writeUInt8(code, this.#filled);
    this.#filled += content.copy(this.#buffer, this.#filled);
  }

  async flush(): Promise<void> {
    await this.#send();
    await this.#sending;
  }

  /** Bytes that may be longer than the buffer: a name. */
  async #raw(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      if (this.#filled === this.#buffer.length) await this.#send();
      const copied = bytes.copy(this.#buffer, this.#filled, offset);
      offset += copied;
      this.#filled += copied;
    }
  }

  async #send(): Promise<void> {
    await this.#sending;
    if (this.#filled === 0) return;
    const full = this.#buffer.subarray(0, this.#filled);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#filled = 0;
    this.#sending = this.link.write(full).catch((error: unknown) => {
      this.failed = true;
      throw error;
    });
    this.#sending.catch(() => {}); // Seen at the next send.
  }
}
