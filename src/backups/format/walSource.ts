import type { ByteSource } from './byteSource';

const HEADER_LENGTH = 32;
const FRAME_HEADER_LENGTH = 24;
/** The last bit tells the byte order of the checksums. */
const MAGIC = 0x377f0682;
/** A write-ahead log beyond this was never checkpointed: its pages are shown as the database file has them. */
const MAX_LOG_LENGTH = 1 << 30;
const CHUNK = 1 << 20;

/**
 * A SQLite database with the committed changes of its write-ahead log laid over it, as SQLite itself would read the two,
 * without writing either. What was not committed, belongs to an earlier log or does not fit its checksums is passed over.
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
export class WalSource implements ByteSource {
  readonly size: number;
  /** Pages that come from the log. */
  readonly pages: number;
  readonly #database: ByteSource;
  readonly #log: ByteSource;
  readonly #pageSize: number;
  /** Page number, from 1 → offset of its newest committed content in the log. */
  readonly #places: ReadonlyMap<number, number>;

  /** Closes both with itself. */
  constructor(database: ByteSource, log: ByteSource) {
    this.#database = database;
    this.#log = log;
    const { pageSize, pageCount, places } = readLog(log);
    this.#pageSize = pageSize;
    this.#places = places;
    this.pages = places.size;
    this.size = pageCount > 0 ? pageCount * pageSize : database.size;
  }

  read(target: Uint8Array, offset: number): number {
    if (this.#places.size === 0) return this.#database.read(target, offset);
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inPage = at % this.#pageSize;
      const part = target.subarray(done, Math.min(length, done + this.#pageSize - inPage));
      const place = this.#places.get(Math.floor(at / this.#pageSize) + 1);
      const count = place === undefined ? this.#database.read(part, at) : this.#log.read(part, place + inPage);
      // Pages that neither file holds were allocated and never written.
      part.fill(0, count);
      done += part.length;
    }
    return length;
  }

  close(): void {
    this.#database.close();
    this.#log.close();
  }
}

interface Log {
  readonly pageSize: number;
  /** Of the database after the last commit; 0 without one. */
  readonly pageCount: number;
  readonly places: ReadonlyMap<number, number>;
}

function readLog(log: ByteSource): Log {
  const none: Log = { pageSize: 1, pageCount: 0, places: new Map() };
  const header = Buffer.alloc(HEADER_LENGTH);
  if (log.size > MAX_LOG_LENGTH || log.read(header, 0) < HEADER_LENGTH) return none;
  const magic = header.readUInt32BE(0);
  const pageSize = header.readUInt32BE(8);
  if ((magic & ~1) >>> 0 !== MAGIC || pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
    return none;
  const sum = new Checksum((magic & 1) === 1);
  sum.add(header, 0, 24);
  if (!sum.equals(header, 24)) return none;

  const places = new Map<number, number>();
  let pending: [page: number, place: number][] = [];
  let pageCount = 0;
  const frameLength = FRAME_HEADER_LENGTH + pageSize;
  const framesAtOnce = Math.max(1, Math.floor(CHUNK / frameLength));
  const chunk = Buffer.allocUnsafe(framesAtOnce * frameLength);
  for (let offset = HEADER_LENGTH; ;) {
    const frames = Math.floor(log.read(chunk, offset) / frameLength);
    for (let index = 0; index < frames; index++) {
      const start = index * frameLength;
      // The salts change whenever the log starts anew: what follows is left over from before.
      if (header.compare(chunk, start + 8, start + 16, 16, 24) !== 0) return { pageSize, pageCount, places };
      sum.add(chunk, start, 8);
      sum.add(chunk, start + FRAME_HEADER_LENGTH, pageSize);
      if (!sum.equals(chunk, start + 16)) return { pageSize, pageCount, places };
      pending.push([chunk.readUInt32BE(start), offset + start + FRAME_HEADER_LENGTH]);
      const committed = chunk.readUInt32BE(start + 4);
      if (committed === 0) continue;
      for (const [page, place] of pending) places.set(page, place);
      pending = [];
      pageCount = committed;
    }
    if (frames < framesAtOnce) return { pageSize, pageCount, places };
    offset += frames * frameLength;
  }
}

/** The log's running checksum: each frame continues the one before. */
class Checksum {
  #first = 0;
  #second = 0;

  constructor(private readonly bigEndian: boolean) {}

  /** @param length A multiple of 8. */
  add(bytes: Buffer, start: number, length: number): void {
    let first = this.#first;
    let second = this.#second;
    for (let at = start; at < start + length; at += 8) {
      first = (first + (this.bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + second) | 0;
      second = (second + (this.bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + first) | 0;
    }
    this.#first = first;
    this.#second = second;
  }

  equals(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first >>> 0 && bytes.readUInt32BE(at + 4) === this.#second >>> 0;
  }
}
