/** Seconds that the rate looks back: long enough to be readable, short enough to show a stall. */
const WINDOW_MS = 5000;

/** Bytes a second over the last seconds, from a growing total. */
export class TransferRate {
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** @param at Milliseconds of a clock that never goes back. */
  add(bytes: number, at: number): void {
    const last = this.#samples.at(-1);
    // A new job, or a second run of the same one, counts from zero.
    if (last && bytes < last.bytes) this.#samples = [];
    // One sample per 100 ms says enough and bounds the list.
    if (last && at - last.at < 100 && this.#samples.length > 1) this.#samples.pop();
    this.#samples.push({ at, bytes });
    this.#forget(at);
  }

  bytesPerSecond(at: number): number {
    this.#forget(at);
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || at <= first.at) return 0;
    // At least a second, so that the first piece is not shown as an enormous rate.
    return Math.round(((last.bytes - first.bytes) * 1000) / Math.max(1000, at - first.at));
  }

  /** Keeps one sample from before the window, as the point to measure from. */
  #forget(at: number): void {
    while ((this.#samples[1]?.at ?? Infinity) <= at - WINDOW_MS) this.#samples.shift();
  }
}
