import { isAppError } from '../../base/errors';
import { isPlistError, parsePlist } from '../../plist';
import type { BackupFile } from '../format/backupFile';
import { type ByteSource, DecryptedSource, FileSource } from '../format/byteSource';
import type { UnlockedKeybag } from '../format/keybag';
import type { SidecarEntry } from '../store/sidecar';
import type { VerifyFinding } from '../types';
import { checkDatabase } from './checkDatabase';
import type { HashResult, HashTask } from './hashContent';

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
  readonly problems: readonly ContentProblem[];
  /** What the bytes were compared with; `nothing`: no hash of them is known. */
  readonly comparedWith: 'received' | 'digest' | 'nothing';
}

/** What has to be read and hashed before checkContent(). */
export function hashTaskOf({ path, received, row }: ContentTask): HashTask {
  if (received) return { path, algorithm: 'sha256', expectedSize: received.size };
  return { path, algorithm: row?.digest ? 'sha1' : 'none' };
}

/**
 * Judges one stored file that was read from end to end: the bytes against the hash that is known of them; its key,
 * padding and, for databases and property lists, its form.
 * @param hash Of the same file, by the device's algorithm: asked for only if ours does not fit.
 * @throws AppError as the hashing; Node system errors
 */
export async function checkContent(
  task: ContentTask,
  hashed: Extract<HashResult, { readonly ok: true }>,
  hash: (task: HashTask) => Promise<HashResult>,
): Promise<ContentResult> {
  const { received, row } = task;
  const problems: ContentProblem[] = [];
  const add = (kind: ContentProblem['kind'], severity: ContentProblem['severity'], message: string) =>
    problems.push({ kind, severity, message });
  if (received && hashed.size !== received.size) {
    add('wrongSize', 'damage', `${hashed.size} bytes; it had ${received.size} when the backup was made`);
    return { problems, comparedWith: 'received' };
  }
  const digest = row?.digest?.toString('hex');
  let proven: boolean;
  if (received) {
    proven = hashed.hex === received.sha256;
    if (!proven && digest !== undefined) {
      const again = await hash({ path: task.path, algorithm: 'sha1' });
      // The device's own hash tells which of the two has changed: the file or our list.
      proven = again.ok && again.hex === digest;
      if (proven) add('wrongHash', 'note', 'as the device sent it; the list of hashes is damaged');
    }
    if (!proven) add('wrongHash', 'damage', 'its bytes are not those that were received');
  } else {
    proven = digest !== undefined && hashed.hex === digest;
    if (digest !== undefined && !proven) add('wrongHash', 'damage', 'its bytes are not those that the device sent');
  }
  // What is proven to be as it came is not damaged, whatever its form: the device sent it so.
  if (problems.every(({ severity }) => severity === 'note')) {
    await checkForm(task, hashed, proven ? 'note' : 'damage', add);
  }
  return { problems, comparedWith: received ? 'received' : digest === undefined ? 'nothing' : 'digest' };
}

type Add = (kind: ContentProblem['kind'], severity: ContentProblem['severity'], message: string) => void;

async function checkForm(
  task: ContentTask,
  { size, head }: Extract<HashResult, { readonly ok: true }>,
  severity: ContentProblem['severity'],
  add: Add,
): Promise<void> {
  const { row, keybag } = task;
  if (!row || size === 0 || (row.encryptionKey && !keybag)) return;
  // Most files have no form to look at, and need not be opened again.
  if (!row.encryptionKey && !formOf(head, row)) return;
  const stored = new FileSource(task.path);
  let content: ByteSource = stored;
  try {
    if (row.encryptionKey && keybag) content = new DecryptedSource(stored, keybag.unwrap(row.encryptionKey));
    if (content instanceof DecryptedSource && content.damage) {
      const why = content.damage === 'length' ? 'its length is no whole number of blocks' : 'its padding is wrong';
      add('undecryptable', severity, why);
    }
    await checkKnownForm(task, content, severity, add);
  } catch (error) {
    if (!isAppError(error)) throw error;
    // A class that only the device opens is no damage: nobody could ever read it here.
    add('undecryptable', error.code === 'keyNotAvailable' ? 'note' : severity, error.message);
  } finally {
    content.close();
  }
}

async function checkKnownForm(
  { row, hasLog }: ContentTask,
  content: ByteSource,
  severity: ContentProblem['severity'],
  add: Add,
): Promise<void> {
  const head = Buffer.alloc(Math.min(HEAD, content.size));
  content.read(head, 0);
  switch (row && formOf(head.toString('latin1'), row)) {
    case 'database': {
      const trouble = await checkDatabase(content);
      if (trouble) add('database', trouble.minor || hasLog() ? 'note' : severity, trouble.message);
      return;
    }
    case 'plist': {
      const trouble = plistTrouble(content);
      if (trouble) add('plist', severity, trouble);
      return;
    }
    case undefined:
  }
}

function formOf(head: string, { relativePath }: BackupFile): 'database' | 'plist' | undefined {
  if (head.startsWith('SQLite format 3')) return 'database';
  const plist = head.startsWith('bplist00') || head.startsWith('<?xml');
  return plist && isPlistName(relativePath) ? 'plist' : undefined;
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
