import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { AppError } from '../../base/errors';
import { delay } from '../../base/abort';
import { isMissing, systemCode } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { makeDirectories } from './folders';
import { layoutOf } from './layout';
import { readJson } from './smallFiles';
import { writeFully } from './writeFully';

/** Who holds a lock. */
export interface LockOwner {
  readonly host: string;
  readonly pid: number;
  /** Another after each start of the computer, as far as the system tells. */
  readonly boot: string;
  /** When the process began: process ids are used again. */
  readonly began: string;
  readonly token: string;
}

export interface LockTiming {
  /** The holder touches its lock this often. */
  readonly beatMs: number;
  /** A lock of another computer, or of a process id that may have a new owner, that was not touched for so long is dead. */
  readonly deadMs: number;
  /** Time for somebody who found the same dead lock to come too. */
  readonly settleMs: number;
}

const TIMING: LockTiming = { beatMs: 5000, deadMs: 20_000, settleMs: 50 };

/** Locks that this process holds. */
const held = new Set<string>();

export interface FolderLock {
  /** @throws AppError `backupInUse` if somebody took it for dead and holds it now */
  check(): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  readonly udid: string;
  readonly signal?: AbortSignal | undefined;
  readonly timing?: LockTiming | undefined;
}

/**
 * One writer for a device's backups in a folder, over processes and computers. What a dead process left is taken over.
 * @throws AppError `backupInUse` with `details.pid` and `details.host`
 */
export async function lockFolder(options: LockOptions): Promise<FolderLock> {
  const { fileSystem, folder, udid, timing = TIMING } = options;
  const { own, lock: path } = layoutOf(folder);
  await makeDirectories(fileSystem, own);
  const me: LockOwner = { ...thisProcess(), token: randomBytes(8).toString('hex') };
  // Before the file is there: whoever reads it must see that its maker lives.
  held.add(me.token);
  try {
    await acquire(options, path(udid), me, timing);
  } catch (error) {
    held.delete(me.token);
    throw error;
  }
  return hold(fileSystem, path(udid), me, timing);
}

async function acquire(
  { fileSystem, signal, folder, udid }: LockOptions,
  path: string,
  me: LockOwner,
  timing: LockTiming,
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await tryCreate(fileSystem, path, me)) {
      if (attempt === 0) return;
      // Two that found the same dead lock may both have come here: the later one has the file.
      await delay(timing.settleMs, signal);
      if ((await readOwner(fileSystem, path))?.token === me.token) return;
    }
    const dead = await findDead(fileSystem, path, timing, signal);
    if (dead !== 'gone') await moveAside(fileSystem, path, dead);
  }
  throw new AppError('backupInUse', `the lock ${path} changes hands`, { details: { path: folder, udid } });
}

async function tryCreate(fileSystem: FileSystem, path: string, me: LockOwner): Promise<boolean> {
  let file;
  try {
    file = await fileSystem.open(path, 'create');
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await writeFully(fileSystem, file, Buffer.from(JSON.stringify(me)), path);
  } catch (error) {
    await fileSystem.removeFile(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/** @returns the token of a dead holder, '' for a lock without one. @throws AppError `backupInUse` if it lives */
async function findDead(
  fileSystem: FileSystem,
  path: string,
  timing: LockTiming,
  signal: AbortSignal | undefined,
): Promise<string> {
  const owner = await readOwner(fileSystem, path);
  if (owner && isDead(owner)) return owner.token;
  const inUse = () =>
    new AppError('backupInUse', `held by process ${owner?.pid ?? '?'} on ${owner?.host ?? '?'}`, {
      details: { path, ...(owner && { pid: owner.pid, host: owner.host }) },
    });
  if (owner && isAlive(owner)) throw inUse();
  // Only the beat can tell: another computer's process, or a file that its maker has not filled yet.
  const first = await modified(fileSystem, path);
  if (first === undefined) return 'gone';
  const until = Date.now() + (owner ? timing.deadMs : Math.min(timing.deadMs, 1000));
  while (Date.now() < until) {
    await delay(Math.min(250, timing.deadMs / 10), signal);
    const now = await modified(fileSystem, path);
    if (now === undefined) return 'gone';
    if (now !== first) throw inUse();
  }
  return owner?.token ?? '';
}

/** Only the dead lock goes: what turned out to be another's new one is given back. */
async function moveAside(fileSystem: FileSystem, path: string, token: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await fileSystem.rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const owner = await readOwner(fileSystem, aside);
  if ((owner?.token ?? '') !== token)
    await fileSystem.link(aside, path).catch(() => fileSystem.rename(aside, path).catch(() => {}));
  await fileSystem.removeFile(aside).catch(() => {});
}

function hold(fileSystem: FileSystem, path: string, me: LockOwner, timing: LockTiming): FolderLock {
  let touched = Promise.resolve();
  const beat = setInterval(() => {
    touched = fileSystem.touch(path).catch(() => {});
  }, timing.beatMs);
  beat.unref();
  return {
    async check() {
      const owner = await readOwner(fileSystem, path);
      if (owner?.token === me.token) return;
      throw new AppError('backupInUse', 'the lock was taken over', {
        details: { path, ...(owner && { pid: owner.pid, host: owner.host }) },
      });
    },
    async release() {
      clearInterval(beat);
      if (!held.delete(me.token)) return;
      // A late beat would make the next one's lock look alive.
      await touched;
      const owner = await readOwner(fileSystem, path).catch(() => undefined);
      if (owner?.token === me.token) await fileSystem.removeFile(path).catch(() => {});
    },
  };
}

function isDead(owner: LockOwner): boolean {
  const me = thisProcess();
  if (owner.host !== me.host) return false;
  if (owner.boot !== me.boot) return true;
  if (owner.pid === me.pid && owner.began === me.began) return !held.has(owner.token);
  if (!runs(owner.pid)) return true;
  return owner.began !== '' && processBegan(owner.pid) !== owner.began && processBegan(owner.pid) !== '';
}

/** Surely the one that made the lock, not a newer process with its number. */
function isAlive(owner: LockOwner): boolean {
  const me = thisProcess();
  if (owner.host !== me.host || owner.boot !== me.boot) return false;
  return held.has(owner.token) || (owner.began !== '' && processBegan(owner.pid) === owner.began);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

let identity: Omit<LockOwner, 'token'> | undefined;

function thisProcess(): Omit<LockOwner, 'token'> {
  identity ??= { host: os.hostname(), pid: process.pid, boot: bootId(), began: processBegan(process.pid) };
  return identity;
}

/** Differs after each start of the computer. '' where the system does not tell for sure. */
export function bootId(): string {
  if (process.platform !== 'linux') return '';
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Ticks since the computer's start; '' where the system does not tell. */
function processBegan(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    // The name in parentheses may hold anything; field 22 is the 20th behind it.
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Ended, but not yet taken note of by its parent: in a container without an init that can be for ever.
    if (state === 'Z' || state === 'X') return 'ended';
    return fields[18] ?? '';
  } catch {
    return '';
  }
}

async function readOwner(fileSystem: FileSystem, path: string): Promise<LockOwner | undefined> {
  const value = (await readJson(fileSystem, path)) as Partial<LockOwner> | null | undefined;
  if (!value || typeof value.pid !== 'number' || typeof value.token !== 'string' || typeof value.host !== 'string')
    return undefined;
  return { host: value.host, pid: value.pid, boot: value.boot ?? '', began: value.began ?? '', token: value.token };
}

async function modified(fileSystem: FileSystem, path: string): Promise<number | undefined> {
  try {
    return (await fileSystem.stat(path)).modifiedMs;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
