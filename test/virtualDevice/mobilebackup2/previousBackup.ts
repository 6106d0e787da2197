import { fileIdOf } from '../content/fileId';
import type { ContentEntry } from '../content/contentEntry';
import { decodeFileRecord } from './fileRecord';
import { readManifestRows } from './manifestDatabase';

/** What the host holds already, by fileID: the records of its Manifest.db. */
export class PreviousBackup {
  readonly #records = new Map<string, Buffer>();
  /** FileIDs with content that no entry of the device has claimed yet. */
  readonly #unclaimed = new Set<string>();

  /** @throws DatabaseError when it cannot be read. */
  constructor(database: Buffer) {
    for (const row of readManifestRows(database)) {
      this.#records.set(row.fileId, row.file);
      if (row.flags & 1) this.#unclaimed.add(row.fileId);
    }
  }

  get count(): number {
    return this.#records.size;
  }

  /** The record of an entry that has not changed since; its content on the host stays then. */
  claim(fileId: string, entry: ContentEntry): Buffer | undefined {
    const file = this.#records.get(fileId);
    if (!file) return undefined;
    const record = decodeFileRecord(file);
    const same =
      record.size === entry.size &&
      record.modified === entry.modified &&
      record.statusChange === entry.statusChange &&
      record.birth === entry.birth &&
      record.inode === entry.inode &&
      record.mode === entry.mode &&
      record.userId === entry.userId &&
      record.groupId === entry.groupId &&
      record.protectionClass === entry.protectionClass &&
      record.target === entry.target &&
      sameBytes(record.extendedAttributes, entry.attributes);
    // A changed file's content will be replaced, not removed.
    this.#unclaimed.delete(fileId);
    return same ? file : undefined;
  }

  /** Contents that are not on the device any more. */
  get removed(): string[] {
    return [...this.#unclaimed];
  }
}

export function entryId(entry: ContentEntry): string {
  return fileIdOf(entry.domain, entry.path);
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a && b ? a.equals(b) : a === b;
}
