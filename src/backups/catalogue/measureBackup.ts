import { throwIfAborted } from '../../base/abort';
import { isMissing } from '../store/diskErrors';
import type { FileSystem } from '../store/fileSystem';
import { nodeFileSystem } from '../store/nodeFileSystem';
import type { BackupSummary } from '../types';

export type BackupSize = NonNullable<BackupSummary['size']>;

export interface MeasureOptions {
  readonly fileSystem?: FileSystem | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a folder takes on the disk, as `du` counts, and what its removal would free: files with names elsewhere stay.
 * Clones (APFS, btrfs, XFS) cannot be told from copies: there removal may free less. Memory: 8 bytes for each file that
 * has several names.
 */
export async function measureBackup(backup: string, options: MeasureOptions = {}): Promise<BackupSize> {
  const { fileSystem = nodeFileSystem({ direct: false }), signal } = options;
  const sum = { bytes: 0, freed: 0, files: 0 };
  const inodes = new GrowingNumbers();
  await visit(fileSystem, backup, signal, ({ allocatedBytes, type, links, inode }) => {
    sum.bytes += allocatedBytes;
    if (type === 'directory' || links === 1) sum.freed += allocatedBytes;
    else inodes.add(inode);
    if (type !== 'directory') sum.files++;
  });
  const repeated = inodes.repeated();
  if (repeated.size === 0) return sum;
  // Some file has two names in here (another program's doing): it counts once, and goes if it has no third name.
  const met = new Map<number, number>();
  await visit(fileSystem, backup, signal, ({ allocatedBytes, inode, links, type }) => {
    if (type === 'directory' || !repeated.has(inode)) return;
    const names = (met.get(inode) ?? 0) + 1;
    met.set(inode, names);
    if (names > 1) sum.bytes -= allocatedBytes;
    if (names === links) sum.freed += allocatedBytes;
  });
  return sum;
}

type Found = Awaited<ReturnType<FileSystem['stat']>>;

async function visit(
  fileSystem: FileSystem,
  folder: string,
  signal: AbortSignal | undefined,
  found: (stat: Found) => void,
): Promise<void> {
  found(await fileSystem.stat(folder));
  const into = async (path: string): Promise<void> => {
    throwIfAborted(signal);
    let entries;
    try {
      entries = await fileSystem.readDirectoryStats(path);
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    for (const entry of entries) {
      found(entry);
      if (entry.type === 'directory') await into(`${path}/${entry.name}`);
    }
  };
  await into(folder);
}

class GrowingNumbers {
  #numbers = new Float64Array(1024);
  #length = 0;

  add(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = number;
  }

  repeated(): Set<number> {
    const sorted = this.#numbers.subarray(0, this.#length).sort();
    const repeated = new Set<number>();
    for (let index = 1; index < sorted.length; index++) {
      const number = sorted[index];
      if (number !== undefined && number === sorted[index - 1]) repeated.add(number);
    }
    return repeated;
  }
}
