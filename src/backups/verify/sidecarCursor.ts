import type { SidecarEntry } from '../store/sidecar';
import { compareFiles } from '../store/backupTree';

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

  /**
   * Everything listed up to the end of a top-level folder (empty: the files at the top), by place. Also of folders
   * before it that nobody asked for: they are gone from the disk.
   */
  async upTo(folder: string): Promise<Map<string, SidecarEntry>> {
    const entries = new Map<string, SidecarEntry>();
    for (let entry = await this.#peek(); entry; entry = await this.#peek()) {
      const slash = entry.file.indexOf('/');
      const top = slash < 0 ? '' : entry.file.slice(0, slash);
      if (top !== folder && (folder === '' || (top !== '' && compareFiles(top, folder) > 0))) break;
      entries.set(entry.file, entry);
      this.#next++;
    }
    return entries;
  }

  /** Everything that is left. */
  async rest(): Promise<Map<string, SidecarEntry>> {
    const entries = new Map<string, SidecarEntry>();
    for (let entry = await this.#peek(); entry; entry = await this.#peek()) {
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
