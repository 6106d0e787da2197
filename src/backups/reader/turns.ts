import { throwIfAborted } from '../../base/abort';

/** Longest stretch of work between two turns of the event loop: a cancellation or another question waits no longer. */
const STRETCH_MS = 15;

/** Lets long work be interrupted: next() between two steps costs nothing until the stretch is over. */
export class Turns {
  #since = Date.now();

  constructor(private readonly signal?: AbortSignal) {}

  /** @throws AppError `cancelled` */
  async next(): Promise<void> {
    if (Date.now() - this.#since < STRETCH_MS) return;
    await new Promise(setImmediate);
    throwIfAborted(this.signal);
    this.#since = Date.now();
  }
}
