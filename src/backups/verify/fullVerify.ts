import fs from 'node:fs';
import path from 'node:path';
import { throwIfAborted } from '../../base/abort';
import { isAppError } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { fileID, isFileID } from '../format/fileID';
import type { UnlockedKeybag } from '../format/keybag';
import type { Manifest } from '../format/manifest';
import type { SidecarEntry } from '../store/sidecar';
import type { VerifyFinding } from '../types';
import { checkContent, CONTENT_CHUNK, type ContentProblem } from './checkContent';
import { SidecarCursor } from './sidecarCursor';
import { type FolderResult, type VerifyProgress } from './verifyProgress';

/** How long others wait for their turn at most, a single chunk or database aside. */
const TURN_MS = 12;

export interface FullVerifyOptions {
  /** The index, if it can be read: names for findings, digests, keys. */
  readonly manifest: Manifest | undefined;
  /** With it, contents are looked into as well. */
  readonly keybag: UnlockedKeybag | undefined;
  /** What was received when the backup was made: the hash of every file. */
  readonly received: AsyncIterable<readonly SidecarEntry[]> | undefined;
  /** Places that need not be read: they have a finding already. */
  readonly known: ReadonlySet<string>;
  /** What an interrupted check has done. */
  readonly progress: VerifyProgress;
  readonly signal: AbortSignal | undefined;
  /** Files and bytes read so far; called often. */
  readonly onProgress: ((done: { readonly files: number; readonly bytes: number }) => void) | undefined;
}

export interface FullVerifyResult {
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly VerifyFinding[];
  /** Files of which no hash is known: damage inside them cannot be seen. */
  readonly withoutHash: number;
}

/**
 * Reads every byte of a backup, folder by folder, and compares it with what is known of it. Opens nothing for writing.
 * Memory: one folder's names, hashes and rows.
 * @throws AppError `cancelled`; Node system errors of folders that cannot be read
 */
export async function fullVerify(folder: string, options: FullVerifyOptions): Promise<FullVerifyResult> {
  const run = new Run(folder, options);
  try {
    await run.folder('');
    for (const name of subfolders(folder)) await run.folder(name);
    await run.leftOver();
    return run.result();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #cursor: SidecarCursor | undefined;
  readonly #buffer = Buffer.allocUnsafe(CONTENT_CHUNK);
  readonly #findings: VerifyFinding[] = [];
  #files = 0;
  #bytes = 0;
  #withoutHash = 0;
  #turnSince = performance.now();

  constructor(
    private readonly root: string,
    private readonly options: FullVerifyOptions,
  ) {
    this.#cursor = options.received && new SidecarCursor(options.received);
  }

  result(): FullVerifyResult {
    return {
      files: this.#files,
      bytes: this.#bytes,
      findings: this.#findings,
      withoutHash: this.#withoutHash,
    };
  }

  async close(): Promise<void> {
    await this.#cursor?.close();
  }

  /** @param name Of a folder at the top; empty: the files at the top */
  async folder(name: string): Promise<void> {
    const { progress, signal } = this.options;
    throwIfAborted(signal);
    const received = await this.#cursor?.upTo(name);
    const files = filesIn(this.root, name);
    const print = progress.printOf(files);
    const done = progress.done(name, print) ?? (await this.#check(name, files, received));
    progress.add(name, print, done);
    this.#take(done);
  }

  /** What is listed behind the last folder. */
  async leftOver(): Promise<void> {
    const received = await this.#cursor?.rest();
    if (received) this.#take(await this.#check('', [], received));
  }

  async #check(
    name: string,
    files: readonly FoundFile[],
    received: Map<string, SidecarEntry> | undefined,
  ): Promise<FolderResult> {
    const rows = this.#rowsOf(name, files);
    const findings: VerifyFinding[] = [];
    const before = this.#bytes;
    let bytes = 0;
    let withoutHash = 0;
    for (const { file, base } of files) {
      const entry = received?.get(file);
      received?.delete(file);
      if (base === '.DS_Store' || this.options.known.has(file)) continue;
      const row = rows.get(base);
      const add = (problem: ContentProblem) => findings.push({ ...problem, file, ...namesOf(row) });
      try {
        const task = {
          path: path.join(this.root, file),
          received: entry,
          row,
          keybag: this.options.keybag,
          hasLog: () => this.#hasLog(row),
        };
        const result = await checkContent(task, this.#buffer, (count) => this.#breathe(before + (bytes += count)));
        result.problems.forEach(add);
        if (result.comparedWith === 'nothing') withoutHash++;
      } catch (error) {
        if (isAppError(error)) throw error;
        const { code = 'unknown' } = error as NodeJS.ErrnoException;
        const gone = code === 'ENOENT';
        add({
          kind: gone ? 'missing' : 'unreadable',
          severity: 'damage',
          message: gone ? 'it is missing' : `the disk cannot read it (${code})`,
        });
      }
      const wait = this.#breathe(before + bytes);
      if (wait) await wait;
    }
    // Listed, and not there.
    for (const [file, { file: place }] of received ?? []) {
      const base = path.posix.basename(place);
      if (base === '.DS_Store' || this.options.known.has(file)) continue;
      const row = rows.get(base) ?? this.#rowOf(base);
      findings.push({ kind: 'missing', severity: 'damage', file, ...namesOf(row), message: 'it is missing' });
    }
    return { files: files.length, bytes, findings, withoutHash };
  }

  #take({ files, bytes, findings, withoutHash }: FolderResult): void {
    this.#files += files;
    this.#bytes += bytes;
    this.#withoutHash += withoutHash;
    this.#findings.push(...findings);
    this.options.onProgress?.({ files: this.#files, bytes: this.#bytes });
  }

  #breathe(bytes: number): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.#turnSince < TURN_MS) return undefined;
    throwIfAborted(this.options.signal);
    this.options.onProgress?.({ files: this.#files, bytes });
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#turnSince = performance.now();
    });
  }

  #rowsOf(name: string, files: readonly FoundFile[]): ReadonlyMap<string, BackupFile> {
    const { manifest } = this.options;
    const rows = new Map<string, BackupFile>();
    if (!manifest) return rows;
    const wanted =
      name === '' ? (manifest.layout === 'flat' ? '' : undefined) : /^[0-9a-f]{2}$/.test(name) ? name : undefined;
    try {
      if (wanted !== undefined) {
        for (const entry of manifest.entriesOfShard(wanted)) if (entry.ok) rows.set(entry.file.fileID, entry.file);
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

/** The ordinary files of a folder at the top, with all below; for the top itself, only its own. Links are not followed. */
function filesIn(root: string, name: string): readonly FoundFile[] {
  const found: FoundFile[] = [];
  const visit = (folder: string) => {
    const entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && name !== '') visit(file);
      if (!entry.isFile()) continue;
      const stat = fs.lstatSync(path.join(root, file), { throwIfNoEntry: false });
      if (stat) found.push({ file, base: entry.name, stat });
    }
  };
  visit(name);
  return found;
}
