import type { FileSystem, OpenFile } from '../../src/backups/store/fileSystem';

/** One call that reaches the disk. */
export interface DiskCall {
  readonly name: keyof FileSystem | 'create' | 'read' | 'write' | 'close' | 'sync' | 'fstat';
  readonly path: string;
  /** Where it goes, for rename, link and clone. */
  readonly to?: string;
  /** What is written. */
  readonly bytes?: Uint8Array;
}

/** Decides over every single call: runs it, changes what it answers, or throws instead. */
export type Interceptor = (call: DiskCall, run: (bytes?: Uint8Array) => Promise<unknown>) => Promise<unknown>;

/** Calls that change something on the disk. */
export const CHANGES: ReadonlySet<DiskCall['name']> = new Set([
  'create',
  'makeDirectory',
  'rename',
  'link',
  'clone',
  'removeFile',
  'removeDirectory',
  'write',
  'touch',
]);

export function intercepted(inner: FileSystem, intercept: Interceptor): FileSystem {
  const ask = <T>(call: DiskCall, run: (bytes?: Uint8Array) => Promise<T>) => intercept(call, run) as Promise<T>;
  return {
    open: (path, mode) =>
      ask({ name: mode === 'create' || mode === 'append' ? 'create' : 'open', path }, async () =>
        interceptedFile(await inner.open(path, mode), path, intercept),
      ),
    makeDirectory: (path) => ask({ name: 'makeDirectory', path }, () => inner.makeDirectory(path)),
    readDirectory: (path) => ask({ name: 'readDirectory', path }, () => inner.readDirectory(path)),
    readDirectoryStats: (path) => ask({ name: 'readDirectoryStats', path }, () => inner.readDirectoryStats(path)),
    stat: (path) => ask({ name: 'stat', path }, () => inner.stat(path)),
    realPath: (path) => ask({ name: 'realPath', path }, () => inner.realPath(path)),
    rename: (path, to) => ask({ name: 'rename', path, to }, () => inner.rename(path, to)),
    link: (path, to) => ask({ name: 'link', path, to }, () => inner.link(path, to)),
    clone: (path, to) => ask({ name: 'clone', path, to }, () => inner.clone(path, to)),
    removeFile: (path) => ask({ name: 'removeFile', path }, () => inner.removeFile(path)),
    removeDirectory: (path) => ask({ name: 'removeDirectory', path }, () => inner.removeDirectory(path)),
    touch: (path) => ask({ name: 'touch', path }, () => inner.touch(path)),
    freeSpace: (path) => ask({ name: 'freeSpace', path }, () => inner.freeSpace(path)),
    syncDirectory: (path) => ask({ name: 'syncDirectory', path }, () => inner.syncDirectory(path)),
    syncFileSystem: (path, signal) => ask({ name: 'syncFileSystem', path }, () => inner.syncFileSystem(path, signal)),
  };
}

function interceptedFile(file: OpenFile, path: string, intercept: Interceptor): OpenFile {
  const ask = <T>(call: DiskCall, run: (bytes?: Uint8Array) => Promise<T>) => intercept(call, run) as Promise<T>;
  return {
    read: (buffer) => ask({ name: 'read', path }, () => file.read(buffer)),
    write: (bytes) => ask({ name: 'write', path, bytes }, (changed = bytes) => file.write(changed)),
    stat: () => ask({ name: 'fstat', path }, () => file.stat()),
    sync: () => ask({ name: 'sync', path }, () => file.sync()),
    // Even a crashed process's files are closed by the system.
    close: () => file.close(),
  };
}

/** What a process does that dies: every call from then on. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * Dies at the `at`-th change (0 is the first), before it, or in the middle of it where it is a write. Nothing reaches the
 * disk any more then.
 */
export function crashing(inner: FileSystem, at: number, when: 'before' | 'within'): FileSystem {
  let changes = 0;
  let dead = false;
  return intercepted(inner, async (call, run) => {
    if (dead) throw new Crash('dead');
    if (!CHANGES.has(call.name) || changes++ !== at) return run();
    dead = true;
    if (when === 'within' && call.bytes) await run(call.bytes.subarray(0, call.bytes.length / 2));
    throw new Crash('dies');
  });
}

/** Counts the changes, and tells which of them are writes. */
export function counting(inner: FileSystem): {
  readonly fileSystem: FileSystem;
  readonly changes: () => number;
  readonly writes: readonly number[];
} {
  let changes = 0;
  const writes: number[] = [];
  const fileSystem = intercepted(inner, (call, run) => {
    if (call.name === 'write') writes.push(changes);
    if (CHANGES.has(call.name)) changes++;
    return run();
  });
  return { fileSystem, changes: () => changes, writes };
}

/** Fails the calls that `which` picks with a system error. */
export function failing(inner: FileSystem, code: string, which: (call: DiskCall) => boolean): FileSystem {
  return intercepted(inner, async (call, run) => {
    if (which(call)) throw systemError(code, call.path);
    return run();
  });
}

/** Takes at most `most` bytes a write, and says so only by the count, as a nearly full disk does. */
export function shortWrites(inner: FileSystem, most: number): FileSystem {
  return intercepted(inner, (call, run) => (call.name === 'write' ? run(call.bytes?.subarray(0, most)) : run()));
}

/** Has room for `bytes` more: then writes become short, then ENOSPC. */
export function fullAfter(inner: FileSystem, bytes: number): FileSystem {
  let room = bytes;
  return intercepted(inner, async (call, run) => {
    if (call.name === 'freeSpace') return room;
    if (call.name === 'syncFileSystem') return true;
    if (call.name !== 'write' || !call.bytes) return run();
    if (room === 0 && call.bytes.length > 0) throw systemError('ENOSPC', call.path);
    const part = call.bytes.subarray(0, room);
    room -= part.length;
    return run(part);
  });
}

/** A file system without hard links and clones: exFAT, many network shares. */
export function withoutLinks(inner: FileSystem): FileSystem {
  return failing(inner, 'EPERM', ({ name }) => name === 'link' || name === 'clone');
}

/** Flushing takes long on a busy machine, and shows only after a power loss. */
export function withoutSync(inner: FileSystem): FileSystem {
  return intercepted(inner, (call, run) =>
    call.name === 'syncFileSystem'
      ? Promise.resolve(true)
      : call.name === 'sync' || call.name === 'syncDirectory'
        ? Promise.resolve()
        : run(),
  );
}

/** Takes `A` for `a` below `root`, as most disks of Macs and Windows do; shows the names as first given. */
export function foldingCase(inner: FileSystem, root: string): FileSystem {
  const spelling = new Map<string, string>();
  const fold = (path: string) => (path.startsWith(`${root}/`) ? root + path.slice(root.length).toLowerCase() : path);
  const remember = (path: string) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!spelling.has(fold(path))) spelling.set(fold(path), name);
  };
  const spelled = (folder: string, name: string) => spelling.get(`${fold(folder)}/${name}`) ?? name;
  return {
    ...inner,
    open: (path, mode) => {
      if (mode !== 'read') remember(path);
      return inner.open(fold(path), mode);
    },
    makeDirectory: (path) => {
      remember(path);
      return inner.makeDirectory(fold(path));
    },
    readDirectory: async (path) =>
      (await inner.readDirectory(fold(path))).map((entry) => ({ ...entry, name: spelled(path, entry.name) })),
    readDirectoryStats: async (path) =>
      (await inner.readDirectoryStats(fold(path))).map((entry) => ({ ...entry, name: spelled(path, entry.name) })),
    stat: (path) => inner.stat(fold(path)),
    realPath: (path) => inner.realPath(fold(path)),
    rename: (from, to) => {
      remember(to);
      return inner.rename(fold(from), fold(to));
    },
    link: (from, to) => {
      remember(to);
      return inner.link(fold(from), fold(to));
    },
    clone: (from, to) => {
      remember(to);
      return inner.clone(fold(from), fold(to));
    },
    removeFile: (path) => {
      spelling.delete(fold(path));
      return inner.removeFile(fold(path));
    },
    removeDirectory: (path) => {
      spelling.delete(fold(path));
      return inner.removeDirectory(fold(path));
    },
    touch: (path) => inner.touch(fold(path)),
    freeSpace: (path) => inner.freeSpace(fold(path)),
    syncDirectory: (path) => inner.syncDirectory(fold(path)),
    syncFileSystem: (path, signal) => inner.syncFileSystem(fold(path), signal),
  };
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, '${path}'`), { code, path });
}
