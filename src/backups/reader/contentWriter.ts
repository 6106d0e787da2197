import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import { createContentDecipher, lengthWithoutPadding } from '../format/fileCipher';
import { openOrdinaryFile } from '../format/ordinaryFile';
import { diskFailure, isMissing, systemCode } from '../store/diskErrors';

/** One content to be taken out. Survives structured clone. */
export interface WriteTask {
  /** Its number in the run, for what is told about it. */
  readonly index: number;
  readonly fileID: string;
  /** Absolute; its folder is there. */
  readonly place: string;
  /** Unix seconds. */
  readonly modified: number;
  /** Its folder was made in this run, so nothing has to be looked for at its place. */
  readonly isNew: boolean;
  /** 32 bytes; only of an encrypted content. */
  readonly key?: Uint8Array;
  /** SHA-1 that the stored bytes must have. */
  readonly digest?: Uint8Array;
}

export interface WriterPlaces {
  /** The backup. */
  readonly folder: string;
  readonly layout: 'flat' | 'sharded';
  /** Where a file is until it is whole: on the target's disk, under a name that no backup has. */
  readonly partial: string;
}

const CHUNK = 1 << 20;
const BLOCK = 16;
interface Stored {
  readonly fd: number;
  readonly size: number;
}

/**
 * Decrypts, checks and writes contents one after the other, with as few calls of the system as that takes. Everything is
 * synchronous, which costs a fifth of the asynchronous calls: for a thread of its own, or in steps.
 */
export class ContentWriter {
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);

  constructor(private readonly places: WriterPlaces) {}

  /**
   * Yields the length of each part when it is written; a run that is ended in between leaves nothing behind. A file appears
   * under its name when it is whole and as the index says.
   * @returns whether it was written; false if it was there already, with its size and date.
   * @throws AppError `fileNotFound`, `fileDamaged`, `noPermission`; `hostDiskFull`, `folderNotWritable`, `nameNotPossible`,
   * `fileTooLarge`, `folderOffline`, `diskError`
   */
  *write(task: WriteTask): Generator<number, boolean> {
    const stored = this.#open(task.fileID);
    try {
      if (!task.isNew && this.#isThere(stored, task)) return false;
      yield* this.#writePartial(stored, task);
      fs.renameSync(this.places.partial, task.place);
      return true;
    } catch (error) {
      throw writeFailure(error, task.place);
    } finally {
      fs.closeSync(stored.fd);
    }
  }

  #open(fileID: string): Stored {
    const { folder, layout } = this.places;
    const sharded = folder + path.sep + fileID.slice(0, 2) + path.sep + fileID;
    const places = [sharded, folder + path.sep + fileID];
    for (const place of layout === 'flat' ? places.reverse() : places) {
      const stored = openFile(place);
      if (stored) return stored;
    }
    throw new AppError('fileNotFound', `the content ${fileID} is missing`);
  }

  #isThere(stored: Stored, { place, modified, key }: WriteTask): boolean {
    const there = fs.lstatSync(place, { throwIfNoEntry: false });
    if (!there?.isFile() || Math.trunc(there.mtimeMs / 1000) !== Math.trunc(modified)) return false;
    if (!key) return there.size === stored.size;
    if (stored.size % BLOCK !== 0 || there.size > stored.size || stored.size - there.size > BLOCK) return false;
    if (stored.size === 0) return true;
    // The last block tells the length; the one before is all that decrypting it takes.
    const start = Math.max(0, stored.size - 2 * BLOCK);
    const sealed = this.#read(stored, start, stored.size - start);
    const plain = createContentDecipher(key, start === 0 ? undefined : sealed.subarray(0, BLOCK)).update(
      sealed.subarray(start === 0 ? 0 : BLOCK),
    );
    return lengthWithoutPadding(plain.subarray(-BLOCK), stored.size) === there.size;
  }

  *#writePartial(stored: Stored, task: WriteTask): Generator<number> {
    const { partial } = this.places;
    // Exclusive: a link that somebody has put there is not followed.
    const fd = fs.openSync(partial, 'wx', 0o600);
    let isWhole = false;
    try {
      yield* this.#copy(stored, fd, task);
      fs.futimesSync(fd, task.modified, task.modified);
      isWhole = true;
    } finally {
      fs.closeSync(fd);
      if (!isWhole) fs.rmSync(partial, { force: true });
    }
  }

  *#copy(stored: Stored, fd: number, { key, digest }: WriteTask): Generator<number> {
    const { size } = stored;
    if (key && size % BLOCK !== 0) throw new AppError('fileDamaged', 'its encrypted content is damaged (length)');
    const decipher = key && size > 0 ? createContentDecipher(key) : undefined;
    const hash = digest && createHash('sha1');
    for (let offset = 0; offset < size;) {
      const sealed = this.#read(stored, offset, Math.min(CHUNK, size - offset));
      offset += sealed.length;
      hash?.update(sealed);
      let plain = decipher ? decipher.update(sealed) : sealed;
      if (decipher && offset === size) {
        const length = lengthWithoutPadding(plain.subarray(-BLOCK), plain.length);
        if (length === undefined) throw new AppError('fileDamaged', 'its encrypted content is damaged (padding)');
        plain = plain.subarray(0, length);
      }
      // Before the only part of a small file is written: nothing wrong is ever there, not even for a moment.
      if (offset === size && hash && digest && !hash.digest().equals(digest)) {
        throw new AppError('fileDamaged', 'its content was altered');
      }
      for (let done = 0; done < plain.length;) done += fs.writeSync(fd, plain, done, plain.length - done);
      yield plain.length;
    }
  }

  /** A part of the buffer that all calls share. */
  #read({ fd }: Stored, offset: number, length: number): Buffer {
    const target = this.#buffer.subarray(0, length);
    for (let done = 0; done < length;) {
      const count = fs.readSync(fd, target, done, length - done, offset + done);
      if (count === 0) throw new AppError('fileDamaged', `the stored file ended at ${offset + done}`);
      done += count;
    }
    return target;
  }
}

function openFile(place: string): Stored | undefined {
  try {
    return openOrdinaryFile(place);
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (isAppError(error)) throw new AppError('fileDamaged', error.message, { cause: error });
    throw diskFailure(error, { doing: 'read', path: place });
  }
}

/** What went wrong while writing below the target. */
export function writeFailure(error: unknown, place: string): Error {
  // What Windows says of a name that it does not have.
  if (systemCode(error) === 'EINVAL') return new AppError('nameNotPossible', `${place}: EINVAL`, { cause: error });
  return diskFailure(error, { doing: 'extract', path: place, writing: true });
}
