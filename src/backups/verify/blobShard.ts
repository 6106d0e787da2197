const ID_BYTES = 20;
/** Hex digits at the start of an ID that a number holds exactly: 52 bits. */
const KEY_DIGITS = 13;

const FLAT = 1;
const TAKEN = 2;
const AS_RECEIVED = 4;

export interface Blob {
  /** Bytes as stored; -1 if it is not an ordinary file. */
  readonly size: number;
  readonly place: 'sharded' | 'flat';
  /** It was marked as such. */
  readonly asReceived: boolean;
}

/**
 * Contents whose IDs begin with the same byte: 37 bytes each. Searched by the start of the ID as a number, which is
 * several times as quick as comparing bytes; the whole ID has the last word.
 */
export class BlobShard {
  count = 0;
  bytes = 0;
  #keys = new Float64Array(0);
  #ids = Buffer.alloc(0);
  #sizes = new Float64Array(0);
  #marks = new Uint8Array(0);
  #pending: { readonly id: string; readonly size: number; readonly mark: number }[] = [];

  /** @param id 40 lower-case hex digits */
  add(id: string, size: number, place: Blob['place']): void {
    this.#pending.push({ id, size, mark: place === 'flat' ? FLAT : 0 });
  }

  /** Puts what was added in order; nothing is found before. */
  seal(): void {
    const sorted = this.#pending.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.mark - b.mark));
    this.count = sorted.length;
    this.#keys = new Float64Array(sorted.length);
    this.#ids = Buffer.alloc(sorted.length * ID_BYTES);
    this.#sizes = new Float64Array(sorted.length);
    this.#marks = new Uint8Array(sorted.length);
    sorted.forEach(({ id, size, mark }, index) => {
      this.#keys[index] = keyOf(id);
      this.#ids.write(id, index * ID_BYTES, 'hex');
      this.#sizes[index] = size;
      this.#marks[index] = mark;
      this.bytes += Math.max(0, size);
    });
    this.#pending = [];
  }

  take(id: string): Blob | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const blob = this.#at(index);
    this.#marks[index] = (this.#marks[index] ?? 0) | TAKEN;
    return blob;
  }

  find(id: string): Blob | undefined {
    const index = this.#indexOf(id);
    return index === undefined ? undefined : this.#at(index);
  }

  markAsReceived(id: string): void {
    const index = this.#indexOf(id);
    if (index !== undefined) this.#marks[index] = (this.#marks[index] ?? 0) | AS_RECEIVED;
  }

  /** IDs that nobody took. */
  *untaken(): Generator<string> {
    for (let index = 0; index < this.count; index++) {
      if (!((this.#marks[index] ?? 0) & TAKEN)) yield this.#idAt(index);
    }
  }

  #at(index: number): Blob {
    const mark = this.#marks[index] ?? 0;
    return {
      size: this.#sizes[index] ?? -1,
      place: mark & FLAT ? 'flat' : 'sharded',
      asReceived: (mark & AS_RECEIVED) !== 0,
    };
  }

  #indexOf(id: string): number | undefined {
    const key = keyOf(id);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    for (; low < this.count && this.#keys[low] === key; low++) if (this.#idAt(low) === id) return low;
    return undefined;
  }

  #idAt(index: number): string {
    return this.#ids.toString('hex', index * ID_BYTES, (index + 1) * ID_BYTES);
  }
}

function keyOf(id: string): number {
  return parseInt(id.slice(0, KEY_DIGITS), 16);
}
