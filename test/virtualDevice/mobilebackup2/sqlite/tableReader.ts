import { decodeRecord, type SqlValue } from './record';
import { readVarint } from './varint';

/** The bytes are no sound SQLite database. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

/** Reads whole tables of an SQLite file that lies in memory. Knows what Manifest.db needs: UTF-8, no WAL beside it. */
export class TableReader {
  readonly #bytes: Buffer;
  readonly #pageSize: number;
  readonly #usable: number;

  /** @throws DatabaseError unless the header is one of SQLite. */
  constructor(bytes: Buffer) {
    if (bytes.length < 512 || bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
      throw new DatabaseError('this is no SQLite database');
    }
    const size = bytes.readUInt16BE(16);
    this.#bytes = bytes;
    this.#pageSize = size === 1 ? 65536 : size;
    this.#usable = this.#pageSize - (bytes[20] as number);
    if (this.#pageSize < 512 || bytes.length % this.#pageSize !== 0) {
      throw new DatabaseError(`${bytes.length} bytes are no whole number of pages of ${this.#pageSize}`);
    }
  }

  /**
   * The rows of a table, in the order of their numbers.
   * @throws DatabaseError when there is no such table, or while reading a damaged one.
   */
  *rows(table: string): Generator<readonly SqlValue[]> {
    for (const [type, name, , root] of this.#walk(1, 0)) {
      if (type === 'table' && name === table) {
        yield* this.#walk(Number(root), 0);
        return;
      }
    }
    throw new DatabaseError(`there is no table ${table}`);
  }

  *#walk(number: number, depth: number): Generator<readonly SqlValue[]> {
    if (depth > 20) throw new DatabaseError('a b-tree leads in circles');
    const page = this.#page(number);
    const header = number === 1 ? 100 : 0;
    const kind = page[header];
    const cells = page.readUInt16BE(header + 3);
    if (kind === 0x05) {
      for (let cell = 0; cell < cells; cell++) {
        const at = page.readUInt16BE(header + 12 + cell * 2);
        yield* this.#walk(page.readUInt32BE(at), depth + 1);
      }
      yield* this.#walk(page.readUInt32BE(header + 8), depth + 1);
      return;
    }
    if (kind !== 0x0d) throw new DatabaseError(`page ${number} is no page of a table`);
    for (let cell = 0; cell < cells; cell++) {
      let record: readonly SqlValue[];
      try {
        record = decodeRecord(this.#payload(page, page.readUInt16BE(header + 8 + cell * 2)));
      } catch (error) {
        throw new DatabaseError(`page ${number} is damaged`, { cause: error });
      }
      yield record;
    }
  }

  #payload(page: Buffer, start: number): Buffer {
    const [length, afterLength] = readVarint(page, start);
    const [, at] = readVarint(page, afterLength);
    if (length > this.#bytes.length) throw new DatabaseError('a row is longer than the file');
    const maxLocal = this.#usable - 35;
    if (length <= maxLocal) {
      if (at + length > page.length) throw new DatabaseError('a row leaves its page');
      return page.subarray(at, at + length);
    }
    const minLocal = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const surplus = minLocal + ((length - minLocal) % (this.#usable - 4));
    const local = surplus <= maxLocal ? surplus : minLocal;
    const payload = Buffer.allocUnsafe(length);
    let filled = page.copy(payload, 0, at, at + local);
    for (let next = page.readUInt32BE(at + local); filled < length;) {
      const overflow = this.#page(next);
      filled += overflow.copy(payload, filled, 4, Math.min(this.#usable, 4 + length - filled));
      next = overflow.readUInt32BE(0);
    }
    return payload;
  }

  #page(number: number): Buffer {
    const start = (number - 1) * this.#pageSize;
    if (number < 1 || start + this.#pageSize > this.#bytes.length)
      throw new DatabaseError(`there is no page ${number}`);
    return this.#bytes.subarray(start, start + this.#pageSize);
  }
}
