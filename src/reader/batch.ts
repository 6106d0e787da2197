const BATCH_MS = 100;
const BATCH_LENGTH = 200;

/** Gathers what is found, so that a million findings are not a million messages. */
export class Batch<T> {
  #items: T[] = [];
  #sent = Date.now();

  constructor(private readonly send: (items: readonly T[]) => void) {}

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= BATCH_LENGTH) this.flush();
  }

  /** Something moved on, without a finding. */
  tick(): void {
    if (Date.now() - this.#sent >= BATCH_MS) this.flush();
  }

  flush(): void {
    const items = this.#items;
    this.#items = [];
    this.#sent = Date.now();
    this.send(items);
  }
}
