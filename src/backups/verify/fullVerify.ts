import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { AppError, isAppError } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { fileID, isFileID } from '../format/fileID';
import type { UnlockedKeybag } from '../format/keybag';
import type { Manifest } from '../format/manifest';
import { diskFailure, isOffline, systemCode, systemError } from '../store/diskErrors';
import type { SidecarEntry } from '../store/sidecar';
import type { VerifyFinding } from '../types';
import { checkContent, type ContentProblem, type ContentTask, hashTaskOf } from './checkContent';
import { Findings } from './findings';
import type { HashResult } from './hashContent';
import { HashPool } from './hashPool';
import { SidecarCursor } from './sidecarCursor';
import { type FolderResult, type VerifyProgress } from './verifyProgress';

/** Files in a row that the disk cannot read: then it is the disk, and reading a million more would take days. */
const GIVE_UP_AFTER = 50;

export interface FullVerifyOptions {
  /** The index, if it can be read: names for findings, digests, keys. */
  readonly manifest: Manifest | undefined;
  /** With it, contents are looked into as well. */
  readonly keybag: UnlockedKeybag | undefined;
  /** What was received when the backup was made: the hash of every file. */
  readonly received: AsyncIterable<readonly SidecarEntry[]> | undefined;
  /** Places that need not be read: they have a finding already. */
  readonly known: ReadonlySet<string>;
  /** Whatever is missing or has another length has been told, also beyond `known`. */
  readonly sizesTold: boolean;
  /** About: of all contents. */
  readonly totalBytes: number;
  /** What an interrupted check has done. */
  readonly progress: VerifyProgress;
  readonly signal: AbortSignal | undefined;
  /** Files and bytes read so far; called often. */
  readonly onProgress: ((done: { readonly files: number; readonly bytes: number }) => void) | undefined;
}

export interface FullVerifyResult {
  readonly files: number;
  readonly bytes: number;
  /** The first some thousand. */
  readonly findings: readonly VerifyFinding[];
  /** All of them. */
  readonly damages: number;
  /** Files of which no hash is known: damage inside them cannot be seen. */
  readonly withoutHash: number;
}

/**
 * Reads every byte of a backup, folder by folder, and compares it with what is known of it. Opens nothing for writing.
 * While one folder is judged, the next one is being read. Memory: names, hashes and rows of two folders.
 * @throws AppError `cancelled`, `folderOffline`, `diskError` of a disk that reads nothing any more
 */
export async function fullVerify(folder: string, options: FullVerifyOptions): Promise<FullVerifyResult> {
  const run = new Run(folder, options);
  try {
    return await run.run();
  } catch (error) {
    throw diskFailure(error, { doing: 'check', path: folder });
  } finally {
    await run.close();
  }
}

/** A folder at the top (empty: the files at the top), while its files are being read. */
interface Reading {
  readonly name: string;
  readonly print: string;
  readonly files: readonly FoundFile[];
  readonly received: Map<string, SidecarEntry> | undefined;
  readonly unlisted: readonly UnlistedFolder[];
  /** What an earlier check has given, if nothing has changed since. */
  readonly done: FolderResult | undefined;
  readonly checks: readonly FileCheck[];
  readonly hashed: Promise<readonly HashResult[]>;
}

interface FileCheck {
  readonly found: FoundFile;
  readonly task: ContentTask;
}

class Run {
  readonly #cursor: SidecarCursor | undefined;
  readonly #pool: HashPool;
  readonly #findings = new Findings();
  #files = 0;
  #bytes = 0;
  #withoutHash = 0;
  #unreadableInARow = 0;

  constructor(
    private readonly root: string,
    private readonly options: FullVerifyOptions,
  ) {
    this.#cursor = options.received && new SidecarCursor(options.received);
    const { totalBytes, signal } = options;
    this.#pool = new HashPool({ totalBytes, signal, onRead: (bytes) => this.#tell(bytes) });
  }

  async run(): Promise<FullVerifyResult> {
    let before: Reading | undefined;
    for await (const name of this.#folders()) {
      const next = await this.#read(name);
      if (before) await this.#take(before);
      before = next;
    }
    if (before) await this.#take(before);
    const { list: findings, damages } = this.#findings;
    return { files: this.#files, bytes: this.#bytes, findings, damages, withoutHash: this.#withoutHash };
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#cursor?.close();
  }

  /** Those on the disk, and between them those that are listed alone: they are gone. Each once, as far as the list is sound. */
  async *#folders(): AsyncGenerator<string> {
    yield '';
    const here = subfolders(this.root);
    const waiting = new Set(here);
    const gone = async () => {
      const listed = await this.#cursor?.folder();
      return listed === undefined || waiting.has(listed) ? undefined : listed;
    };
    for (const name of here) {
      for (let listed = await gone(); listed !== undefined; listed = await gone()) yield listed;
      waiting.delete(name);
      yield name;
    }
    for (let listed = await gone(); listed !== undefined; listed = await gone()) yield listed;
  }

  /** Begins to read a folder. */
  async #read(name: string): Promise<Reading> {
    const { progress, signal, known, keybag } = this.options;
    throwIfAborted(signal);
    const received = await this.#cursor?.entriesOf(name);
    const { files, unlisted } = filesIn(this.root, name);
    const print = progress.printOf(files);
    const done = progress.done(name, print);
    const rows = done ? new Map<string, BackupFile>() : this.#rowsOf(name, files);
    const checks = files.flatMap((found): FileCheck[] => {
      const { file, base } = found;
      if (done || base === '.DS_Store' || known.has(file)) return [];
      const row = rows.get(base);
      const task = {
        path: path.join(this.root, file),
        received: received?.get(file),
        row,
        keybag,
        hasLog: () => this.#hasLog(row),
      };
      return [{ found, task }];
    });
    const hashed = this.#pool.hash(checks.map(({ task, found }) => ({ ...hashTaskOf(task), size: found.stat.size })));
    // Whoever waits for it hears of its failure; until then it is no unhandled one.
    hashed.catch(() => {});
    return { name, print, files, received, unlisted, done, checks, hashed };
  }

  /** Judges a folder when its files have been read. */
  async #take(reading: Reading): Promise<void> {
    const { name, print, done } = reading;
    const result = done ?? (await this.#judge(reading));
    if (done) this.#tell(done.bytes);
    this.options.progress.add(name, print, result);
    this.#files += result.files;
    this.#withoutHash += result.withoutHash;
    this.#findings.addAll(result.findings, result.damages);
    this.#tell(0);
  }

  async #judge({ files, received, unlisted, checks, hashed }: Reading): Promise<FolderResult> {
    const { known, sizesTold, signal } = this.options;
    const findings = new Findings();
    let bytes = 0;
    let withoutHash = 0;
    for (const { folder, code } of unlisted) {
      if (!known.has(folder))
        findings.damage({ kind: 'unreadable', file: folder, message: `the folder cannot be listed (${code})` });
    }
    const results = await hashed;
    for (const [index, { found, task }] of checks.entries()) {
      throwIfAborted(signal);
      const result = results[index];
      if (!result) throw new AppError('unexpected', `no hash of ${found.file}`);
      const add = (problem: ContentProblem) => findings.add({ ...problem, file: found.file, ...namesOf(task.row) });
      try {
        if (!result.ok) throw systemError(result.code, task.path);
        bytes += result.size;
        const { problems, comparedWith } = await checkContent(task, result, (again) => this.#hash(again));
        problems.forEach(add);
        if (comparedWith === 'nothing') withoutHash++;
        this.#unreadableInARow = 0;
      } catch (error) {
        add(this.#unreadable(error));
      }
    }
    // Listed, and not there.
    const there = new Set(files.map(({ file }) => file));
    for (const file of received?.keys() ?? []) {
      const base = path.posix.basename(file);
      const below = unlisted.some(({ folder }) => file.startsWith(`${folder}/`));
      if (there.has(file) || base === '.DS_Store' || known.has(file) || sizesTold || below) continue;
      findings.damage({ kind: 'missing', file, ...namesOf(this.#rowOf(base)), message: 'it is missing' });
    }
    return { files: files.length, bytes, findings: findings.list, damages: findings.damages, withoutHash };
  }

  async #hash(task: Parameters<Parameters<typeof checkContent>[2]>[0]): Promise<HashResult> {
    const [result] = await this.#pool.hash([{ ...task, size: 0 }]);
    return result ?? { ok: false, code: 'EIO' };
  }

  /** @throws what is about the disk and not about the file */
  #unreadable(error: unknown): ContentProblem {
    const code = isAppError(error, 'backupDamaged') || isAppError(error, 'fileDamaged') ? 'EINVAL' : systemCode(error);
    if (code === undefined || isOffline(error)) throw error;
    if (code === 'ENOENT') return { kind: 'missing', severity: 'damage', message: 'it is missing' };
    if (code === 'EIO' && ++this.#unreadableInARow >= GIVE_UP_AFTER) throw error;
    const message = code === 'EINVAL' ? 'it is no ordinary file' : `the disk cannot read it (${code})`;
    return { kind: 'unreadable', severity: 'damage', message };
  }

  #tell(bytes: number): void {
    this.#bytes += bytes;
    this.options.onProgress?.({ files: this.#files, bytes: this.#bytes });
  }

  #rowsOf(name: string, files: readonly FoundFile[]): ReadonlyMap<string, BackupFile> {
    const { manifest } = this.options;
    const rows = new Map<string, BackupFile>();
    if (!manifest) return rows;
    const wanted =
      name === '' ? (manifest.layout === 'flat' ? '' : undefined) : /^[0-9a-f]{2}$/.test(name) ? name : undefined;
    try {
      if (wanted !== undefined) {
        // A made-up index can have all of its rows here.
        const there = new Set(files.map(({ base }) => base));
        for (const entry of manifest.entriesOfShard(wanted)) {
          if (entry.ok && there.has(entry.file.fileID)) rows.set(entry.file.fileID, entry.file);
        }
      } else {
        // Contents in odd places are few.
        for (const { base } of files) {
          const row = this.#rowOf(base);
          if (row) rows.set(base, row);
        }
      }
    } catch (error) {
      // That the index is damaged has been told.
      if (!isAppError(error)) throw error;
    }
    return rows;
  }

  #rowOf(name: string): BackupFile | undefined {
    if (!isFileID(name)) return undefined;
    try {
      const entry = this.options.manifest?.find(name);
      return entry?.ok ? entry.file : undefined;
    } catch (error) {
      if (isAppError(error)) return undefined;
      throw error;
    }
  }

  #hasLog(row: BackupFile | undefined): boolean {
    const log = row && this.#rowOf(fileID(row.domain, `${row.relativePath}-wal`));
    return log !== undefined && log.size > 0;
  }
}

function namesOf(row: BackupFile | undefined): Pick<VerifyFinding, 'domain' | 'relativePath'> {
  return row ? { domain: row.domain, relativePath: row.relativePath } : {};
}

export interface FoundFile {
  /** Inside the backup. */
  readonly file: string;
  readonly base: string;
  readonly stat: fs.Stats;
}

function subfolders(root: string): readonly string[] {
  const folders = fs.readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => name).sort((one, other) => (one < other ? -1 : 1));
}

interface UnlistedFolder {
  /** Inside the backup. */
  readonly folder: string;
  readonly code: string;
}

/** The ordinary files of a folder at the top, with all below; for the top itself, only its own. Links are not followed. */
function filesIn(
  root: string,
  name: string,
): { readonly files: readonly FoundFile[]; readonly unlisted: readonly UnlistedFolder[] } {
  const files: FoundFile[] = [];
  const unlisted: UnlistedFolder[] = [];
  const visit = (folder: string) => {
    for (const entry of entriesOf(folder)) {
      const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && name !== '') visit(file);
      if (!entry.isFile()) continue;
      const stat = fs.lstatSync(path.join(root, file), { throwIfNoEntry: false });
      if (stat) files.push({ file, base: entry.name, stat });
    }
  };
  const entriesOf = (folder: string): readonly fs.Dirent[] => {
    try {
      const entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true });
      return entries.sort((one, other) => (one.name < other.name ? -1 : 1));
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined || isOffline(error) || folder === '') throw error;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') unlisted.push({ folder, code });
      return [];
    }
  };
  visit(name);
  return { files, unlisted };
}
