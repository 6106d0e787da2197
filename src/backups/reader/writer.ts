import { throwIfAborted } from '../../base/abort';
import { type ErrorCode, isAppError } from '../../base/errors';
import { ContentWriter, type WriterPlaces, type WriteTask } from './contentWriter';
import type { Turns } from './turns';

/**
 * Contents that are written in one go. Each column has one entry a content: a message of objects would take longer to send
 * than the contents to decrypt.
 */
export interface WriteBatch {
  /** The first one's number; the others follow. */
  readonly first: number;
  readonly fileIDs: readonly string[];
  readonly places: readonly string[];
  readonly modified: Float64Array;
  /** IS_NEW, HAS_KEY, HAS_DIGEST. */
  readonly marks: Uint8Array;
  /** 32 bytes of key and 20 bytes of digest each; overwritten when they are written. */
  readonly secrets: Uint8Array<ArrayBuffer>;
}

export const IS_NEW = 1;
export const HAS_KEY = 2;
export const HAS_DIGEST = 4;
export const KEY_LENGTH = 32;
export const DIGEST_LENGTH = 20;
export const SECRETS_LENGTH = KEY_LENGTH + DIGEST_LENGTH;

function taskOf({ first, fileIDs, places, modified, marks, secrets }: WriteBatch, at: number): WriteTask {
  const mark = marks[at] ?? 0;
  const start = at * SECRETS_LENGTH;
  return {
    index: first + at,
    fileID: fileIDs[at] ?? '',
    place: places[at] ?? '',
    modified: modified[at] ?? 0,
    isNew: (mark & IS_NEW) !== 0,
    ...(mark & HAS_KEY && { key: secrets.subarray(start, start + KEY_LENGTH) }),
    ...(mark & HAS_DIGEST && { digest: secrets.subarray(start + KEY_LENGTH, start + SECRETS_LENGTH) }),
  };
}

/** What became of some tasks. */
export interface WriteResults {
  readonly written: number;
  readonly present: number;
  readonly failed: readonly WriteFailure[];
}

export interface WriteFailure {
  readonly index: number;
  readonly fileID: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Writes batches: here, or on threads. */
export interface Writer {
  /** Bytes written so far. */
  readonly bytes: number;
  /** Resolves when it takes the next one. @throws AppError that ends the run, `cancelled` */
  write(batch: WriteBatch): Promise<void>;
  /** Resolves when all is written. @throws as write() */
  finish(): Promise<void>;
  /** Stops what is under way. */
  close(): Promise<void>;
}

/** Trouble that every further file would have as well. */
export function endsRun(code: ErrorCode): boolean {
  return (
    code === 'hostDiskFull' || code === 'folderNotWritable' || code === 'folderOffline' || code === 'passwordNeeded'
  );
}

/** Writes a batch, counting what became of its files. */
export class BatchRun {
  #written = 0;
  #present = 0;
  #failed: WriteFailure[] = [];

  constructor(private readonly batch: WriteBatch) {}

  /** Since it was asked last. */
  takeResults(): WriteResults {
    const results = { written: this.#written, present: this.#present, failed: this.#failed };
    this.#written = this.#present = 0;
    this.#failed = [];
    return results;
  }

  /**
   * Yields the bytes of each part when it is written, and 0 after each file, so that something else can be done. Ended
   * early it leaves no half file. Keys are overwritten at the end, whatever that is.
   * @throws AppError that ends the run
   */
  *write(writer: ContentWriter): Generator<number> {
    try {
      for (let at = 0; at < this.batch.fileIDs.length; at++) {
        const task = taskOf(this.batch, at);
        try {
          if (yield* writer.write(task)) this.#written++;
          else this.#present++;
        } catch (error) {
          if (!isAppError(error) || endsRun(error.code)) throw error;
          const { index, fileID } = task;
          this.#failed.push({ index, fileID, code: error.code, message: error.message });
        }
        yield 0;
      }
    } finally {
      this.batch.secrets.fill(0);
    }
  }
}

/** Writes on this thread, in steps. */
export class StepwiseWriter implements Writer {
  readonly #writer: ContentWriter;
  #bytes = 0;

  constructor(
    places: WriterPlaces,
    private readonly onResults: (results: WriteResults) => void,
    private readonly turns: Turns,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#writer = new ContentWriter(places);
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(batch: WriteBatch): Promise<void> {
    const run = new BatchRun(batch);
    for (const count of run.write(this.#writer)) {
      this.#bytes += count;
      if (count === 0) this.onResults(run.takeResults());
      throwIfAborted(this.signal);
      await this.turns.next();
    }
  }

  async finish(): Promise<void> {}

  async close(): Promise<void> {}
}
