import { throwIfAborted } from '../../base/abort';
import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { copyPlainly } from './contents';
import { isMissing, systemCode } from './diskErrors';
import type { DirectoryEntry, FileStat, FileSystem } from './fileSystem';
import { makeDirectories, removeTree } from './folders';
import type { HashLog } from './hashLog';
import { isBlobName } from './layout';
import { PreviousHashes } from './previousHashes';

/** Failures that say nothing about whether files can be shared. */
const NO_ANSWER = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENODEV', 'ESTALE', 'ENOTCONN']);

export interface SeedOptions {
  readonly fileSystem: FileSystem;
  /** The finished backup. */
  readonly from: string;
  /** A folder that does not exist yet. */
  readonly to: string;
  readonly by: 'links' | 'reflinks' | 'copies';
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Where clones' hashes are noted, from the sidecar `previous`. */
  readonly hashes?: HashLog | undefined;
  readonly previous?: string | undefined;
  /** What was copied is compared with the sidecar `previous`: damage is not handed on. */
  readonly verify?: boolean | undefined;
  /** Files so far, now and then. */
  readonly onProgress?: ((files: number) => void) | undefined;
}

/**
 * A second backup that shares the blobs of the first: nobody rewrites a blob in place. Everything else is copied, since
 * other programs do rewrite the property lists and the database. Symbolic links and the like are left behind.
 * @returns the number of files
 */
export async function seedBackup(options: SeedOptions): Promise<number> {
  const { fileSystem, log, signal } = options;
  const previous = new PreviousHashes(fileSystem, options.previous);
  let files = 0;
  const seedFolder = async (from: string, to: string, prefix: string): Promise<void> => {
    throwIfAborted(signal);
    await makeDirectories(fileSystem, to);
    const folders: string[] = [];
    for (const entry of await readSorted(options, from)) {
      const { name, type } = entry;
      if (type === 'directory') folders.push(name);
      else if (type !== 'file') log.warn(`left behind, neither file nor folder: ${from}/${name}`);
      else {
        const shared = await seedFile(`${from}/${name}`, `${to}/${name}`, name, options);
        // A clone or copy is a new file: without a note it would be read again to know its hash.
        const known =
          shared !== 'link' && entry.stat ? await previous.find({ file: prefix + name, stat: entry.stat }) : undefined;
        const sha256 = shared === 'clone' || shared === 'link' ? known : shared;
        if (options.verify && known !== undefined && sha256 !== known) throw damaged(prefix + name);
        if (sha256) options.hashes?.record(name, await fileSystem.stat(`${to}/${name}`), Buffer.from(sha256, 'hex'));
        if (++files % 256 === 0) throwIfAborted(signal);
      }
    }
    options.onProgress?.(files);
    for (const name of folders) await seedFolder(`${from}/${name}`, `${to}/${name}`, `${prefix}${name}/`);
  };
  try {
    await seedFolder(options.from, options.to, '');
  } finally {
    await previous.close();
  }
  return files;
}

/** How files can be shared in this folder; undefined if not at all. */
export async function findSharing(
  fileSystem: FileSystem,
  folder: string,
  prefer: 'links' | 'reflinks',
): Promise<'links' | 'reflinks' | undefined> {
  const probe = `${folder}/probe`;
  await removeTree(fileSystem, probe);
  await makeDirectories(fileSystem, probe);
  try {
    const file = await fileSystem.open(`${probe}/one`, 'create');
    await file.write(Buffer.from('probe')).finally(() => file.close());
    for (const way of prefer === 'links' ? (['links', 'reflinks'] as const) : (['reflinks', 'links'] as const)) {
      const shared =
        way === 'links'
          ? fileSystem.link(`${probe}/one`, `${probe}/two`)
          : fileSystem.clone(`${probe}/one`, `${probe}/three`);
      if (await succeeds(shared)) return way;
    }
    return undefined;
  } finally {
    await removeTree(fileSystem, probe);
  }
}

/** @returns how it was shared, or the SHA-256 of the copy */
async function seedFile(
  from: string,
  to: string,
  name: string,
  { fileSystem, by, signal }: SeedOptions,
): Promise<string> {
  if (by === 'reflinks' && (await succeeds(fileSystem.clone(from, to)))) return 'clone';
  // EMLINK: NTFS has at most 1023 names for one file, ext4 65,000.
  if (by === 'links' && isBlobName(name) && (await succeeds(fileSystem.link(from, to)))) return 'link';
  return copyPlainly(fileSystem, from, to, signal);
}

function damaged(file: string): AppError {
  return new AppError('fileDamaged', `${file} is not what it was when it was written`, { details: { file } });
}

/** In the order of the sidecar where it is needed. */
async function readSorted(
  { fileSystem, previous, by }: SeedOptions,
  folder: string,
): Promise<readonly (DirectoryEntry & { stat?: FileStat })[]> {
  if (by === 'links' || previous === undefined) return fileSystem.readDirectory(folder);
  const entries = await fileSystem.readDirectoryStats(folder);
  return entries
    .map((stat) => ({ name: stat.name, type: stat.type, stat }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** @returns false where this file cannot be shared, for whatever reason: file systems say it in a dozen ways */
async function succeeds(sharing: Promise<void>): Promise<boolean> {
  try {
    await sharing;
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (isMissing(error) || code === undefined || NO_ANSWER.has(code)) throw error;
    return false;
  }
}
