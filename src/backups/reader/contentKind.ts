import type { ContentKind } from './databaseTypes';

/** Enough to tell any of them. */
export const SNIFF_LENGTH = 4096;

const MAGIC: readonly (readonly [ContentKind, string, number])[] = [
  ['plist', 'bplist0', 0],
  ['database', 'SQLite format 3\0', 0],
  ['picture', '\xff\xd8\xff', 0],
  ['picture', '\x89PNG', 0],
  ['picture', 'GIF8', 0],
  ['picture', 'BM', 0],
  ['picture', 'II*\0', 0],
  ['picture', 'MM\0*', 0],
  ['picture', 'ftyphei', 4],
  ['picture', 'ftypmif', 4],
  ['picture', 'ftypavif', 4],
  ['picture', 'WEBP', 8],
  ['media', 'ftyp', 4],
  ['media', 'moov', 4],
  ['media', 'ID3', 0],
  ['media', 'RIFF', 0],
  ['media', 'caff', 0],
  ['media', '#!AMR', 0],
  ['media', 'OggS', 0],
  ['archive', 'PK\x03\x04', 0],
  ['archive', '\x1f\x8b', 0],
  ['archive', '%PDF', 0],
];

/** @param head The first bytes, up to SNIFF_LENGTH. */
export function contentKind(head: Uint8Array): ContentKind {
  if (head.length === 0) return 'empty';
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const latin1 = bytes.toString('latin1', 0, 32);
  for (const [kind, magic, offset] of MAGIC) if (latin1.startsWith(magic, offset)) return kind;
  const start = bytes.toString('utf8', 0, 512).trimStart();
  if (/^(<\?xml[^>]*>\s*)?(<!--[^]*?-->\s*)?<(!DOCTYPE )?plist\b/.test(start)) return 'plist';
  return isText(bytes) ? 'text' : 'binary';
}

/** UTF-8 without control characters; the last character may be cut off. */
function isText(bytes: Buffer): boolean {
  for (const byte of bytes)
    if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12 && byte !== 27) return false;
  const whole = bytes.toString('utf8');
  const cut = whole.indexOf('\ufffd');
  return cut < 0 || cut >= whole.length - 3;
}
