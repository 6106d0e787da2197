export const PAGE_SIZE = 4096;
const PAGES_PER_CHUNK = 256;
const CHUNK_LENGTH = PAGES_PER_CHUNK * PAGE_SIZE;
/** One pointer-map page describes the pages that follow it. */
const MAPPED_PAGES = Math.floor(PAGE_SIZE / 5);
/** The page at 1 GiB is where SQLite locks; it holds nothing. */
const LOCK_PAGE = 0x4000_0000 / PAGE_SIZE + 1;

/** Kinds of pages in the pointer map of a database with auto_vacuum. */
export const POINTER = { root: 1, overflowFirst: 3, overflowNext: 4, node: 5 } as const;

/** The pages of a database file in memory, numbered from 1, with the pointer map that auto_vacuum needs. */
export class PageFile {
  readonly chunks: Buffer[] = [];
  #count = 0;

  constructor() {
    this.#append(); // Page 1: header and schema.
    this.#append(); // Page 2: first pointer map.
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the whole file. */
  get length(): number {
    return this.#count * PAGE_SIZE;
  }

  get size(): number {
    return this.length;
  }

  /** A new page of zeros; pages that serve the file itself are passed over. */
  allocate(): number {
    for (;;) {
      const page = this.#append();
      if (page !== LOCK_PAGE && !isPointerMap(page)) return page;
    }
  }

  page(number: number): Buffer {
    const chunk = this.chunks[Math.floor((number - 1) / PAGES_PER_CHUNK)] as Buffer;
    const start = ((number - 1) % PAGES_PER_CHUNK) * PAGE_SIZE;
    return chunk.subarray(start, start + PAGE_SIZE);
  }

  /** Notes what a page is and which page leads to it. */
  setPointer(page: number, kind: number, parent: number): void {
    const map = pointerMapOf(page);
    const at = (page - map - 1) * 5;
    const bytes = this.page(map);
    bytes[at] = kind;
    bytes.writeUInt32BE(parent, at + 1);
  }

  /** Fills `target` with the file's bytes from `offset` on. */
  fill(offset: number, target: Uint8Array): void {
    let filled = 0;
    for (const piece of this.#piecesAt(offset, target.length)) {
      target.set(piece, filled);
      filled += piece.length;
    }
  }

  /** The file has these very bytes at `offset`. */
  matches(offset: number, bytes: Buffer): boolean {
    if (offset + bytes.length > this.length) return false;
    let compared = 0;
    for (const piece of this.#piecesAt(offset, bytes.length)) {
      if (bytes.compare(piece, 0, piece.length, compared, compared + piece.length) !== 0) return false;
      compared += piece.length;
    }
    return true;
  }

  /** The file from its beginning in pieces of at most 1 MiB. */
  *pieces(): Generator<Buffer> {
    let left = this.length;
    for (const chunk of this.chunks) {
      yield chunk.subarray(0, Math.min(left, chunk.length));
      left -= chunk.length;
    }
  }

  *#piecesAt(offset: number, length: number): Generator<Buffer> {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const chunk = this.chunks[Math.floor(at / CHUNK_LENGTH)] as Buffer;
      const from = at % CHUNK_LENGTH;
      const piece = chunk.subarray(from, Math.min(CHUNK_LENGTH, from + end - at));
      yield piece;
      at += piece.length;
    }
  }

  #append(): number {
    if (this.#count % PAGES_PER_CHUNK === 0) this.chunks.push(Buffer.alloc(CHUNK_LENGTH));
    return ++this.#count;
  }
}

function pointerMapOf(page: number): number {
  return Math.floor((page - 2) / (MAPPED_PAGES + 1)) * (MAPPED_PAGES + 1) + 2;
}

function isPointerMap(page: number): boolean {
  return pointerMapOf(page) === page;
}
