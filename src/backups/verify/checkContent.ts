import { createHash, type Hash } from 'node:crypto';
import { isAppError } from '../../base/errors';
import { isPlistError, parsePlist } from '../../plist';
import type { BackupFile } from '../format/backupFile';
import { type ByteSource, DecryptedSource, FileSource } from '../format/byteSource';
import type { UnlockedKeybag } from '../format/keybag';
import type { SidecarEntry } from '../store/sidecar';
import type { VerifyFinding } from '../types';
import { checkDatabase } from './checkDatabase';

/** Read and hashed at a time: about a millisecond on any computer. */
const CHUNK = 1 << 20;
const MAX_PLIST_BYTES = 64 << 20;
const HEAD = 16;

export interface ContentTask {
  /** Absolute path of the stored file. */
  readonly path: string;
  /** What it was when the backup was made. */
  readonly received: SidecarEntry | undefined;
  /** Its row, if the index can be read. */
  readonly row: BackupFile | undefined;
  readonly keybag: UnlockedKeybag | undefined;
  /** A write-ahead log belongs to it: alone it may look torn. */
  readonly hasLog: () => boolean;
}

export type ContentProblem = Pick<VerifyFinding, 'kind' | 'severity' | 'message'>;

export interface ContentResult {
  readonly bytes: number;
  readonly problems: readonly ContentProblem[];
  /** What the bytes were compared with; `nothing`: no hash of them is known. */
  readonly comparedWith: 'received' | 'digest' | 'nothing';
}

/** Between two chunks, so that others have their turn and a person can cancel. */
export type Breathe = (bytes: number) => Promise<void> | undefined;

/**
 * Reads one stored file from end to end: the bytes against the hash that is known of them; its key, padding and, for
 * databases and property lists, its form.
 * @throws Node system errors
 */
export async function checkContent(task: ContentTask, buffer: Buffer, breathe: Breathe): Promise<ContentResult> {
  const { received, row } = task;
  const stored = new FileSource(task.path);
  const problems: ContentProblem[] = [];
  const add = (kind: ContentProblem['kind'], severity: ContentProblem['severity'], message: string) =>
    problems.push({ kind, severity, message });
  try {
    if (received && stored.size !== received.size) {
      add('wrongSize', 'damage', `${stored.size} bytes; it had ${received.size} when the backup was made`);
      return { bytes: 0, problems, comparedWith: 'received' };
    }
    const hash = received ? createHash('sha256') : row?.digest ? createHash('sha1') : undefined;
    await readThrough(stored, hash, buffer, breathe);
    let proven = false;
    if (received && hash?.digest('hex') !== received.sha256) {
      proven = row?.digest !== undefined && (await digestOf(stored, buffer, breathe)).equals(row.digest);
      // The device's own hash tells which of the two has changed: the file or our list.
      if (proven) add('wrongHash', 'note', 'as the device sent it; the list of hashes is damaged');
      else add('wrongHash', 'damage', 'its bytes are not those that were received');
    } else if (received) {
      proven = true;
    } else if (row?.digest && hash) {
      proven = hash.digest().equals(row.digest);
      if (!proven) add('wrongHash', 'damage', 'its bytes are not those that the device sent');
    }
    // What is proven to be as it came is not damaged, whatever its form: the device sent it so.
    if (problems.every(({ severity }) => severity === 'note')) {
      await checkForm(task, stored, buffer, proven ? 'note' : 'damage', add);
    }
    return { bytes: stored.size, problems, comparedWith: received ? 'received' : row?.digest ? 'digest' : 'nothing' };
  } finally {
    stored.close();
  }
}

async function readThrough(
  source: ByteSource,
  hash: Hash | undefined,
  buffer: Buffer,
  breathe: Breathe,
): Promise<void> {
  for (let offset = 0; offset < source.size;) {
    const count = source.read(buffer.subarray(0, Math.min(buffer.length, source.size - offset)), offset);
    if (count === 0) break;
    hash?.update(buffer.subarray(0, count));
    offset += count;
    const wait = breathe(count);
    if (wait) await wait;
  }
}

async function digestOf(source: ByteSource, buffer: Buffer, breathe: Breathe): Promise<Buffer> {
  const hash = createHash('sha1');
  await readThrough(source, hash, buffer, breathe);
  return hash.digest();
}

type Add = (kind: ContentProblem['kind'], severity: ContentProblem['severity'], message: string) => void;

async function checkForm(
  { row, keybag, hasLog }: ContentTask,
  stored: FileSource,
  buffer: Buffer,
  severity: ContentProblem['severity'],
  add: Add,
): Promise<void> {
  if (!row || (row.encryptionKey && !keybag) || stored.size === 0) return;
  let content: ByteSource;
  try {
    content = row.encryptionKey && keybag ? decrypted(stored, keybag.unwrap(row.encryptionKey)) : shared(stored);
  } catch (error) {
    if (!isAppError(error)) throw error;
    // A class that only the device opens is no damage: nobody could ever read it here.
    add('undecryptable', error.code === 'keyNotAvailable' ? 'note' : severity, error.message);
    return;
  }
  try {
    if (content instanceof DecryptedSource && content.damage) {
      const why = content.damage === 'length' ? 'its length is no whole number of blocks' : 'its padding is wrong';
      add('undecryptable', severity, why);
    }
    const head = buffer.subarray(0, content.read(buffer.subarray(0, Math.min(HEAD, content.size)), 0));
    const start = head.toString('latin1');
    if (start.startsWith('SQLite format 3')) {
      const trouble = await checkDatabase(content);
      if (trouble) add('database', trouble.minor || hasLog() ? 'note' : severity, trouble.message);
    } else if ((start.startsWith('bplist00') || start.startsWith('<?xml')) && isPlistName(row.relativePath)) {
      const trouble = plistTrouble(content);
      if (trouble) add('plist', severity, trouble);
    }
  } finally {
    content.close();
  }
}

/** Wipes the key in the end; the stored file stays open for its owner. */
function decrypted(stored: FileSource, key: Buffer): DecryptedSource {
  return new DecryptedSource(shared(stored), key);
}

function shared(stored: FileSource): ByteSource {
  return { size: stored.size, read: (target, offset) => stored.read(target, offset), close() {} };
}

function isPlistName(relativePath: string): boolean {
  return /\.(plist|strings|archive)$/i.test(relativePath);
}

function plistTrouble(content: ByteSource): string | undefined {
  if (content.size > MAX_PLIST_BYTES) return undefined;
  const bytes = Buffer.alloc(content.size);
  try {
    content.read(bytes, 0);
    parsePlist(bytes);
    return undefined;
  } catch (error) {
    if (isPlistError(error)) return `it is no readable property list: ${error.message}`;
    if (isAppError(error)) return error.message;
    throw error;
  } finally {
    bytes.fill(0);
  }
}

export { CHUNK as CONTENT_CHUNK };
