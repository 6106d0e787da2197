import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { cancelled } from '../../base/errors';
import type { DirectoryEntry, DirectoryEntryStat, FileStat, FileSystem, FileType, OpenFile } from './fileSystem';

/**
 * Calls on a local disk take microseconds; each trip through Node's thread pool costs more than that (measured: 20,000
 * files of 4 KiB with five calls each take 1.0 s of CPU directly, 2.1 s through the pool). So calls are made directly
 * as long as the disk answers at once, and through the pool for a while once the average of the last calls is slow.
 */
const SLOW_MS = 4;
const WEIGHT_OF_LAST = 0.05;
const SLOW_FOR_MS = 1500;
/** Direct calls in a row let timers and sockets have their turn this often. */
const TURN_MS = 6;
/** Stats of a folder's entries come so many at a time. */
const STATS_AT_ONCE = 64;
/** Bigger pieces go through the pool: writing and hashing then overlap. */
const DIRECT_BYTES = 128 * 1024;

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_APPEND } = fs.constants;
// Windows has neither; there a link is found by stat() alone.
const O_NOFOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = fs.constants.O_NONBLOCK ?? 0;
const FLAGS = {
  // O_NONBLOCK: a named pipe that somebody planted must not hang us.
  read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  create: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
  append: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
  sync: (process.platform === 'win32' ? O_RDWR : O_RDONLY) | O_NOFOLLOW,
} as const;

/** The computer's disks. `direct: false` sends every call through the thread pool. */
export function nodeFileSystem({ direct = true } = {}): FileSystem {
  return new NodeFileSystem(direct);
}

class NodeFileSystem implements FileSystem {
  #slowUntil: number;
  #averageMs = 0;
  #turnBegan = 0;

  constructor(direct: boolean) {
    this.#slowUntil = direct ? 0 : Infinity;
  }

  async open(path: string, mode: 'read' | 'create' | 'append' | 'sync'): Promise<OpenFile> {
    const fd = await this.run(
      () => fs.openSync(path, FLAGS[mode], 0o600),
      (done) => fs.open(path, FLAGS[mode], 0o600, done),
    );
    return new NodeFile(this, fd);
  }

  makeDirectory(path: string): Promise<void> {
    return this.run<void>(
      () => void fs.mkdirSync(path, { mode: 0o700 }),
      (done) => fs.mkdir(path, { mode: 0o700 }, (error) => done(error)),
    );
  }

  async readDirectory(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await this.run(
      () => fs.readdirSync(path, { withFileTypes: true }),
      (done) => fs.readdir(path, { withFileTypes: true }, done),
    );
    return entries.map((entry) => ({ name: entry.name, type: typeOf(entry) }));
  }

  async readDirectoryStats(path: string): Promise<readonly DirectoryEntryStat[]> {
    const names = await this.run(
      () => fs.readdirSync(path),
      (done) => fs.readdir(path, done),
    );
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const found: DirectoryEntryStat[] = [];
    for (let first = 0; first < names.length; first += STATS_AT_ONCE) {
      const some = names.slice(first, first + STATS_AT_ONCE);
      await this.run<void>(
        () => {
          for (const name of some) {
            const stats = fs.lstatSync(prefix + name, { throwIfNoEntry: false });
            if (stats) found.push(entryStat(name, stats));
          }
        },
        (done) => {
          statAll(prefix, some).then(
            (entries) => (found.push(...entries), done(null)),
            (error: Error) => done(error),
          );
        },
      );
    }
    return found;
  }

  async stat(path: string): Promise<FileStat> {
    const stats = await this.run(
      // Half of all calls ask for what is not there: without the flag each builds an error with a stack.
      () => fs.lstatSync(path, { throwIfNoEntry: false }) ?? missing(path),
      (done) => fs.lstat(path, done),
    );
    return fileStat(stats);
  }

  async rename(from: string, to: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.run(
          () => fs.renameSync(from, to),
          (done) => fs.rename(from, to, done),
        );
      } catch (error) {
        if (attempt >= 8 || !heldForAMoment(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10 << attempt));
      }
    }
  }

  link(existing: string, path: string): Promise<void> {
    return this.run(
      () => fs.linkSync(existing, path),
      (done) => fs.link(existing, path, done),
    );
  }

  clone(from: string, to: string): Promise<void> {
    const mode = fs.constants.COPYFILE_FICLONE_FORCE | fs.constants.COPYFILE_EXCL;
    return this.run(
      () => fs.copyFileSync(from, to, mode),
      (done) => fs.copyFile(from, to, mode, done),
    );
  }

  removeFile(path: string): Promise<void> {
    return this.run(
      () => fs.unlinkSync(path),
      (done) => fs.unlink(path, done),
    );
  }

  removeDirectory(path: string): Promise<void> {
    return this.run(
      () => fs.rmdirSync(path),
      (done) => fs.rmdir(path, done),
    );
  }

  touch(path: string): Promise<void> {
    const now = new Date();
    return this.run(
      () => fs.lutimesSync(path, now, now),
      (done) => fs.lutimes(path, now, now, done),
    );
  }

  /** What can be written at once; see availableSpace.ts for what macOS would free besides. */
  async freeSpace(path: string): Promise<number> {
    const stats = await through<fs.StatsFs>((done) => fs.statfs(path, done));
    return stats.bavail * stats.bsize;
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return;
    const fd = await through<number>((done) => fs.open(path, O_RDONLY | O_NOFOLLOW, done));
    try {
      await through<void>((done) => fs.fsync(fd, done));
    } catch (error) {
      // Some network and FUSE file systems know no fsync of folders.
      if (!['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    } finally {
      await through<void>((done) => fs.close(fd, (error) => (error ? done(error) : done(null))));
    }
  }

  realPath(path: string): Promise<string> {
    return through((done) => fs.realpath.native(path, done));
  }

  /**
   * Linux: syncfs(2), which Node does not offer, through `sync -f`: 20,000 small files in 0.3 s instead of 2 s one by
   * one. macOS: fsync is F_FULLFSYNC there and empties the drive's cache each time, so the system writes out what it
   * holds (`sync`) before the caller's last fsync empties the drive's. Windows has no such order for users.
   */
  syncFileSystem(path: string, signal?: AbortSignal): Promise<boolean> {
    const order = syncOrder(path);
    if (!order) return Promise.resolve(false);
    if (signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      const child = execFile(order.file, order.parameters, { timeout: 0 }, (error) => resolve(error === null));
      const onAbort = () => {
        // While the disk hangs it does not even end when killed: nobody waits for it any more.
        child.kill('SIGKILL');
        child.unref();
        reject(cancelled());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      child.once('close', () => signal?.removeEventListener('abort', onAbort));
    });
  }

  /** Directly while the disk is quick, else through the pool. */
  async run<T>(directly: () => T, pooled: (done: Done<T>) => void): Promise<T> {
    const began = performance.now();
    if (began < this.#slowUntil) return through(pooled);
    if (began - this.#turnBegan > TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#turnBegan = performance.now();
    }
    const start = performance.now();
    try {
      return directly();
    } finally {
      const end = performance.now();
      this.#averageMs += (end - start - this.#averageMs) * WEIGHT_OF_LAST;
      if (this.#averageMs > SLOW_MS) {
        this.#averageMs = 0;
        this.#slowUntil = end + SLOW_FOR_MS;
      }
    }
  }
}

class NodeFile implements OpenFile {
  readonly #calls: NodeFileSystem;
  readonly #fd: number;
  #closed = false;

  constructor(calls: NodeFileSystem, fd: number) {
    this.#calls = calls;
    this.#fd = fd;
  }

  read(buffer: Uint8Array): Promise<number> {
    return buffer.length > DIRECT_BYTES
      ? through((done) => fs.read(this.#fd, buffer, 0, buffer.length, null, done))
      : this.#calls.run(
          () => fs.readSync(this.#fd, buffer, 0, buffer.length, null),
          (done) => fs.read(this.#fd, buffer, 0, buffer.length, null, done),
        );
  }

  write(bytes: Uint8Array): Promise<number> {
    return bytes.length > DIRECT_BYTES
      ? through((done) => fs.write(this.#fd, bytes, 0, bytes.length, null, done))
      : this.#calls.run(
          () => fs.writeSync(this.#fd, bytes, 0, bytes.length, null),
          (done) => fs.write(this.#fd, bytes, 0, bytes.length, null, done),
        );
  }

  async stat(): Promise<FileStat> {
    return fileStat(
      await this.#calls.run(
        () => fs.fstatSync(this.#fd),
        (done) => fs.fstat(this.#fd, done),
      ),
    );
  }

  sync(): Promise<void> {
    return through((done) => fs.fsync(this.#fd, done));
  }

  async close(): Promise<void> {
    // Twice would close whatever file has got the number since.
    if (this.#closed) return;
    this.#closed = true;
    await this.#calls.run(
      () => fs.closeSync(this.#fd),
      (done) => fs.close(this.#fd, done),
    );
  }
}

type Done<T> = (error: Error | null, ...value: T extends void ? [] : [T]) => void;

function through<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, ...value) => (error ? reject(error) : resolve(value[0] as T)));
  });
}

/** Without a stack: to collect one takes four times as long as the call to the system. */
function missing(path: string): never {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new Error(`ENOENT: no such file or directory, lstat '${path}'`);
  Error.stackTraceLimit = limit;
  throw Object.assign(error, { code: 'ENOENT', path });
}

/** Windows: virus scanners and indexers open new files for a moment, and a rename then fails. */
function heldForAMoment(error: unknown): boolean {
  if (process.platform !== 'win32') return false;
  return ['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function syncOrder(path: string): { file: string; parameters: string[] } | undefined {
  if (process.platform === 'linux') return { file: 'sync', parameters: ['-f', '--', path] };
  if (process.platform === 'darwin') return { file: '/bin/sync', parameters: [] };
  return undefined;
}

function typeOf(entry: fs.Dirent | fs.Stats): FileType {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

async function statAll(prefix: string, names: readonly string[]): Promise<DirectoryEntryStat[]> {
  const stats = await Promise.all(
    names.map((name) =>
      through<fs.Stats>((done) => fs.lstat(prefix + name, done)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      }),
    ),
  );
  return stats.flatMap((found, index) => (found ? [entryStat(names[index] ?? '', found)] : []));
}

/** Written out: a spread of fileStat() takes as long as the call to the system. */
function entryStat(name: string, stats: fs.Stats): DirectoryEntryStat {
  return {
    name,
    type: typeOf(stats),
    sizeBytes: stats.size,
    modifiedMs: stats.mtimeMs,
    inode: stats.ino,
    device: stats.dev,
    links: stats.nlink,
    allocatedBytes: allocated(stats),
  };
}

function fileStat(stats: fs.Stats): FileStat {
  return {
    type: typeOf(stats),
    sizeBytes: stats.size,
    modifiedMs: stats.mtimeMs,
    inode: stats.ino,
    device: stats.dev,
    links: stats.nlink,
    allocatedBytes: allocated(stats),
  };
}

/** Windows does not tell. */
function allocated({ blocks, size }: fs.Stats): number {
  return blocks === undefined ? size : blocks * 512;
}
