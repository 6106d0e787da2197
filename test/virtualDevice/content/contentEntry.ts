import { fillGenerated, SMALLEST_GENERATED, type GeneratedContent } from './generatedContent';

export type EntryKind = 'file' | 'directory' | 'link';

/** Values of the `flags` column of Manifest.db. */
export const ENTRY_FLAGS: Readonly<Record<EntryKind, number>> = { file: 1, directory: 2, link: 4 };

/** One item on the device. Never changed: who changes a file puts a new entry in its place. */
export class ContentEntry implements GeneratedContent {
  constructor(
    readonly domain: string,
    readonly path: string,
    readonly kind: EntryKind,
    /** Bytes; 0 unless a file. */
    readonly size: number,
    readonly key: number,
    readonly revision: number,
    /** The bytes themselves, where they are not made from key and revision. */
    readonly literal: Buffer | undefined,
    /** With the type bits. */
    readonly mode: number,
    readonly userId: number,
    readonly groupId: number,
    /** Unix seconds, like the next two. */
    readonly birth: number,
    readonly modified: number,
    readonly statusChange: number,
    readonly inode: number | bigint,
    readonly protectionClass: number,
    /** Text of a symbolic link. */
    readonly target: string | undefined,
    /** A binary property list: attribute name → data. */
    readonly attributes: Buffer | undefined,
    readonly unreadable: boolean,
  ) {}

  /** What the fileID is the SHA-1 of. */
  get name(): string {
    return `${this.domain}-${this.path}`;
  }

  /** Fills `target` with the bytes from `offset` on. */
  fill(offset: number, target: Uint8Array): void {
    if (this.literal) this.literal.copy(target, 0, offset, offset + target.length);
    else fillGenerated(this, this.size, offset, target);
  }

  with(changes: Partial<EntryFields>): ContentEntry {
    const e = { ...this, ...changes } as ContentEntry;
    return makeEntry(e);
  }
}

export type EntryFields = Pick<
  ContentEntry,
  | 'domain'
  | 'path'
  | 'kind'
  | 'size'
  | 'key'
  | 'revision'
  | 'literal'
  | 'mode'
  | 'userId'
  | 'groupId'
  | 'birth'
  | 'modified'
  | 'statusChange'
  | 'inode'
  | 'protectionClass'
  | 'target'
  | 'attributes'
  | 'unreadable'
>;

/** An entry from its fields. Small generated contents become literal, so that equal files have equal entries. */
export function makeEntry(e: EntryFields): ContentEntry {
  let literal = e.kind === 'file' ? e.literal : undefined;
  if (e.kind === 'file' && !literal && e.size < SMALLEST_GENERATED) {
    literal = Buffer.alloc(e.size);
    fillGenerated(e, e.size, 0, literal);
  }
  return new ContentEntry(
    e.domain,
    e.path,
    e.kind,
    literal ? literal.length : e.kind === 'file' ? e.size : 0,
    e.key,
    e.revision,
    literal,
    e.mode,
    e.userId,
    e.groupId,
    e.birth,
    e.modified,
    e.statusChange,
    e.inode,
    e.protectionClass,
    e.target,
    e.attributes,
    e.unreadable,
  );
}
