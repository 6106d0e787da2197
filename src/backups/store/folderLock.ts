import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import { delay } from '../../base/abort';
import { isProcessAlive } from '../../base/isProcessAlive';
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
  /** Time for somebody who was at the same lock to be done. */
  readonly settleMs: number;
}

const TIMING: LockTiming = { beatMs: 5000, deadMs: 20_000, settleMs: 50 };
const MAX_ATTEMPTS = 10;

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
  const { fileSystem, folder, udid, signal, timing = TIMING } = options;
  const { own, lock: path } = layoutOf(folder);
  await makeDirectories(fileSystem, own);
  const me: LockOwner = { ...thisProcess(), token: randomBytes(8).toString('hex') };
  // Before the file is there: whoever reads it must see that its maker lives.
  held.add(me.token);
  const work = { fileSystem, timing, signal, me };
  try {
    if (!(await acquire(work, path(udid)))) {
      throw new AppError('backupInUse', `the lock ${path(udid)} changes hands`, { details: { path: folder, udid } });
    }
    await removeLeftovers(work, path(udid));
  } catch (error) {
    held.delete(me.token);
    throw error;
  }
  return hold(fileSystem, path(udid), me, timing);
}

interface Work {
  readonly fileSystem: FileSystem;
  readonly timing: LockTiming;
  readonly signal: AbortSignal | undefined;
  readonly me: LockOwner;
}

/** @returns false if it changed hands too often. @throws AppError `backupInUse` if somebody who lives has it */
async function acquire(work: Work, path: string): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (await tryCreate(work, path)) return true;
    const dead = await findDead(work, path);
    if (dead !== 'gone' && (await takeOver(work, path, dead))) return true;
  }
  return false;
}

/** The file appears whole: whoever finds it can read who made it. @returns false if there is one */
async function tryCreate(work: Work, path: string): Promise<boolean> {
  const { fileSystem, me, timing, signal } = work;
  const temporary = await writeOwner(work, path);
  try {
    await fileSystem.link(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
  } finally {
    await fileSystem.removeFile(temporary).catch(() => {});
  }
  // A file system without links: the file is there before its content is.
  if (!(await createWith(work, path))) return false;
  await delay(timing.settleMs, signal);
  return (await readOwner(fileSystem, path))?.token === me.token;
}

async function writeOwner(work: Work, path: string): Promise<string> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  await createWith(work, temporary);
  return temporary;
}

/** @returns false if there is such a file */
async function createWith({ fileSystem, me }: Work, path: string): Promise<boolean> {
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

/**
 * Puts our lock in the place of a dead one, in one step: the place is never free meanwhile. Many may have found the same
 * dead lock, some long ago; so it takes a claim that names the dead one, and a second look under that claim.
 * @returns false if others were quicker
 */
async function takeOver(work: Work, path: string, token: string): Promise<boolean> {
  const { fileSystem, timing, signal } = work;
  const claim = `${path}.${token === '' ? 'torn' : token}.claim`;
  try {
    if (!(await acquire(work, claim))) return false;
  } catch (error) {
    if (!isAppError(error, 'backupInUse')) throw error;
    await delay(timing.settleMs, signal);
    return false;
  }
  try {
    if ((await modified(fileSystem, path)) === undefined) return false;
    if (((await readOwner(fileSystem, path))?.token ?? '') !== token) return false;
    const temporary = await writeOwner(work, path);
    try {
      await fileSystem.rename(temporary, path);
    } catch (error) {
      await fileSystem.removeFile(temporary).catch(() => {});
      throw error;
    }
    return true;
  } finally {
    await fileSystem.removeFile(claim).catch(() => {});
  }
}

/** What takers that died have left. The lock is ours: nobody has a use for their claims any more. */
async function removeLeftovers({ fileSystem, timing }: Work, path: string): Promise<void> {
  const folder = dirname(path);
  const entries = await fileSystem.readDirectory(folder).catch(() => []);
  for (const { name } of entries.filter(({ name }) => name.startsWith(`${basename(path)}.`))) {
    const left = join(folder, name);
    const owner = await readOwner(fileSystem, left).catch(() => undefined);
    const age = Date.now() - ((await modified(fileSystem, left).catch(() => undefined)) ?? Date.now());
    if (owner ? isDead(owner) : age > timing.deadMs) await fileSystem.removeFile(left).catch(() => {});
  }
}

/** @returns the token of a dead holder, '' for a lock without one. @throws AppError `backupInUse` if it lives */
async function findDead({ fileSystem, timing, signal }: Work, path: string): Promise<string> {
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
  if (!isProcessAlive(owner.pid)) return true;
  return owner.began !== '' && processBegan(owner.pid) !== owner.began && processBegan(owner.pid) !== '';
}

/** Surely the one that made the lock, not a newer process with its number. */
function isAlive(owner: LockOwner): boolean {
  const me = thisProcess();
  if (owner.host !== me.host || owner.boot !== me.boot) return false;
  return held.has(owner.token) || (owner.began !== '' && processBegan(owner.pid) === owner.began);
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
  // It becomes part of a name.
  if (!/^[0-9A-Za-z]{1,64}$/.test(value.token)) return undefined;
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
