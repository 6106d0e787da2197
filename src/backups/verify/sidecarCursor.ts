import type { SidecarEntry } from '../store/sidecar';

/**
 * The list of what was received, read alongside the folders of a backup, in the same order: memory for one folder.
 */
export class SidecarCursor {
  readonly #batches: AsyncIterator<readonly SidecarEntry[]>;
  #batch: readonly SidecarEntry[] = [];
  #next = 0;

  constructor(batches: AsyncIterable<readonly SidecarEntry[]>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** The top-level folder that comes next; empty: a file at the top; undefined: the end. */
  async folder(): Promise<string | undefined> {
    const entry = await this.#peek();
    return entry && topOf(entry);
  }

  /** What is listed in the top-level folder (empty: at the top) that comes next, by place; nothing if another comes. */
  async entriesOf(folder: string): Promise<Map<string, SidecarEntry>> {
    const entries = new Map<string, SidecarEntry>();
    for (let entry = await this.#peek(); entry && topOf(entry) === folder; entry = await this.#peek()) {
      entries.set(entry.file, entry);
      this.#next++;
    }
    return entries;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async #peek(): Promise<SidecarEntry | undefined> {
    while (this.#next >= this.#batch.length) {
      const more = await this.#batches.next();
      if (more.done) return undefined;
      this.#batch = more.value;
      this.#next = 0;
    }
    return this.#batch[this.#next];
  }
}

function topOf({ file }: SidecarEntry): string {
  const slash = file.indexOf('/');
  return slash < 0 ? '' : file.slice(0, slash);
}
