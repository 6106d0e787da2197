/**
 * Small files on their way to the disk while the next ones are read from the device. Bounded in number and in bytes: a
 * slow disk makes the device wait, it does not fill the memory.
 */
const MAX_PENDING = 16;
const MAX_PENDING_BYTES = 8 * 1024 * 1024;

export class WriteQueue {
  readonly #paths = new Set<string>();
  #bytes = 0;
  #wake: (() => void) | undefined;

  /** @param onError Told of each write that failed; later ones still go on. */
  constructor(private readonly onError: (path: string, error: unknown) => void) {}

  /** True if add() would have to wait. */
  isBusyFor(path: string, bytes: number): boolean {
    return (
      this.#paths.size >= MAX_PENDING ||
      (this.#bytes > 0 && this.#bytes + bytes > MAX_PENDING_BYTES) ||
      this.#paths.has(keyOf(path))
    );
  }

  /** Waits until there is room, and until an earlier write to the same path is done. */
  async waitFor(path: string, bytes: number): Promise<void> {
    while (this.isBusyFor(path, bytes)) await this.#nextSettled();
  }

  /** Starts a write. It counts with its bytes until it settles. */
  add(path: string, bytes: number, write: () => Promise<void>): void {
    const key = keyOf(path);
    this.#paths.add(key);
    this.#bytes += bytes;
    write()
      .catch((error: unknown) => this.onError(path, error))
      .finally(() => {
        this.#paths.delete(key);
        this.#bytes -= bytes;
        const wake = this.#wake;
        this.#wake = undefined;
        wake?.();
      });
  }

  /** Resolves when every write has settled. */
  async drain(): Promise<void> {
    while (this.#paths.size > 0) await this.#nextSettled();
  }

  #nextSettled(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** One key for all spellings that a file system may take for the same file; too much in common only costs a wait. */
function keyOf(path: string): string {
  return path
    .normalize('NFC')
    .toLowerCase()
    .replace(/\/(?:\.?\/)+/g, '/');
}
