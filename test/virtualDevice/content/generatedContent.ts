import { createCipheriv } from 'node:crypto';

/*
 * Contents of files, made without disk and faster than anything that carries them. Each file is a stretch of one pool of
 * random bytes, entered at a place of its own, with a stamp (file, revision, block number) at the start of every 4 KiB:
 * a block that is missing, doubled, moved or taken from another file or revision shows when bytes are compared.
 */

/** Files of fewer bytes are kept literally: they have no room for a whole stamp. */
export const SMALLEST_GENERATED = 64;

const POOL_LENGTH = 4 * 1024 * 1024;
/** Copied behind the pool's end, so that most reads need no second piece. */
const POOL_OVERLAP = 1024 * 1024;
const BLOCK = 4096;
const STAMP_LENGTH = 16;
/** Files above this are zeros but for the first block of each GiB and the last one, so that hosts can keep them sparse. */
const SPARSE_ABOVE = 4 * 1024 ** 3;
const BLOCKS_BETWEEN_ISLANDS = 1024 ** 3 / BLOCK;

/** What the bytes of a file are made from. */
export interface GeneratedContent {
  /** Names the file for its life; survives renaming and a restore. 48 bits. */
  readonly key: number;
  /** Counts the changes of its content. 32 bits. */
  readonly revision: number;
}

const pool = makePool();
const stamp = Buffer.alloc(STAMP_LENGTH);

/** Fills `target` with the bytes of the file from `offset` on; the caller does not ask for more than `size` holds. */
export function fillGenerated(content: GeneratedContent, size: number, offset: number, target: Uint8Array): void {
  if (size > SPARSE_ABOVE) fillSparse(content, size, offset, target);
  else fillDense(content, offset, target);
}

/** Reads what the first block's stamp says; undefined when there is none. It still has to be compared. */
export function readStamp(start: Uint8Array): GeneratedContent | undefined {
  if (start.length < STAMP_LENGTH) return undefined;
  const bytes = Buffer.from(start.buffer, start.byteOffset, STAMP_LENGTH);
  if (bytes.readUIntBE(10, 6) !== 0) return undefined;
  return { key: bytes.readUIntBE(0, 6), revision: bytes.readUInt32BE(6) };
}

function fillDense(content: GeneratedContent, offset: number, target: Uint8Array): void {
  const start = (content.key % 3_999_971) + (Math.imul(content.revision, 0x9e3779b1) >>> 12);
  let filled = 0;
  while (filled < target.length) {
    const place = (start + offset + filled) % POOL_LENGTH;
    const count = Math.min(target.length - filled, POOL_LENGTH + POOL_OVERLAP - place);
    pool.copy(target, filled, place, place + count);
    filled += count;
  }
  const end = offset + target.length;
  stamp.writeUIntBE(content.key, 0, 6);
  stamp.writeUInt32BE(content.revision, 6);
  for (let block = Math.floor(offset / BLOCK); block * BLOCK < end; block++) {
    stamp.writeUIntBE(block, 10, 6);
    const at = block * BLOCK - offset;
    if (at >= 0) stamp.copy(target, at);
    else if (at > -STAMP_LENGTH) stamp.copy(target, 0, -at);
  }
}

function fillSparse(content: GeneratedContent, size: number, offset: number, target: Uint8Array): void {
  target.fill(0);
  const lastBlock = Math.floor((size - 1) / BLOCK);
  const endBlock = Math.floor((offset + target.length - 1) / BLOCK);
  const fillBlock = (block: number) => {
    const from = Math.max(block * BLOCK, offset);
    const to = Math.min((block + 1) * BLOCK, offset + target.length, size);
    if (from < to) fillDense(content, from, target.subarray(from - offset, to - offset));
  };
  const first = Math.ceil(Math.floor(offset / BLOCK) / BLOCKS_BETWEEN_ISLANDS) * BLOCKS_BETWEEN_ISLANDS;
  for (let block = first; block <= endBlock; block += BLOCKS_BETWEEN_ISLANDS) fillBlock(block);
  if (endBlock >= lastBlock) fillBlock(lastBlock);
}

function makePool(): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.from('virtual device..'), Buffer.alloc(16));
  const bytes = Buffer.alloc(POOL_LENGTH + POOL_OVERLAP);
  cipher.update(Buffer.alloc(POOL_LENGTH)).copy(bytes);
  bytes.copy(bytes, POOL_LENGTH, 0, POOL_OVERLAP);
  return bytes;
}
