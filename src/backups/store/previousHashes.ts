import { compareFiles, type TreeFile } from './backupTree';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { readSidecar, type SidecarEntry } from './sidecar';

/** Hashes of an earlier sidecar, looked up in the order of walkFiles(), which is its own. */
export class PreviousHashes {
  readonly #entries: AsyncGenerator<readonly SidecarEntry[]> | undefined;
  #batch: readonly SidecarEntry[] = [];
  #next = 0;

  constructor(fileSystem: FileSystem, sidecar: string | undefined) {
    this.#entries = sidecar === undefined ? undefined : readSidecar(fileSystem, sidecar);
  }

  /** The same file, untouched since. */
  async find({ file, stat }: Pick<TreeFile, 'file' | 'stat'>): Promise<string | undefined> {
    for (let entry = await this.#peek(); entry; entry = await this.#peek()) {
      const order = compareFiles(entry.file, file);
      if (order > 0) return undefined;
      this.#next++;
      if (order < 0) continue;
      const same = entry.size === stat.sizeBytes && entry.modifiedMs === stat.modifiedMs && entry.inode === stat.inode;
      return same ? entry.sha256 : undefined;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#entries?.return(undefined);
  }

  async #peek(): Promise<SidecarEntry | undefined> {
    while (this.#next >= this.#batch.length) {
      try {
        const more = await this.#entries?.next();
        if (!more || more.done) return undefined;
        this.#batch = more.value;
        this.#next = 0;
      } catch (error) {
        // A damaged sidecar costs reading the files again, no more.
        if (isMissing(error)) return undefined;
        throw error;
      }
    }
    return this.#batch[this.#next];
  }
}
