import os from 'node:os';
import type { FileSystem } from './fileSystem';
import { bootId } from './folderLock';
import { likeness, readPrints, type BackupPrints } from './sidecar';
import { readJson, replaceSmallFile } from './smallFiles';

export type StagingMode = 'links' | 'reflinks' | 'overlay' | 'empty';

const MODES: readonly (StagingMode | undefined)[] = ['links', 'reflinks', 'overlay', 'empty'];

/** What a staging folder says about itself. */
export interface StageNotes {
  readonly version: 1;
  readonly udid: string;
  readonly mode: StagingMode;
  /** The finished backup that it began from; absent for one that began empty although there was none. */
  readonly seed?: BackupPrints;
  /** The seed is complete. */
  readonly ready: boolean;
  /** Since which start of the computer its content may be in memory only; absent once it is safely on the disk. */
  readonly unsyncedSince?: string;
  readonly createdAt: string;
}

export async function writeStageNotes(fileSystem: FileSystem, path: string, notes: StageNotes): Promise<void> {
  await replaceSmallFile(fileSystem, path, JSON.stringify(notes, undefined, 1));
}

export async function readStageNotes(fileSystem: FileSystem, path: string): Promise<StageNotes | undefined> {
  const notes = (await readJson(fileSystem, path)) as Partial<StageNotes> | null | undefined;
  if (!notes || notes.version !== 1 || typeof notes.udid !== 'string' || typeof notes.ready !== 'boolean')
    return undefined;
  return MODES.includes(notes.mode) ? (notes as StageNotes) : undefined;
}

/** @returns whether the finished backup is still the one that the staging began from */
export async function isFresh(
  fileSystem: FileSystem,
  notes: StageNotes,
  finished: string | undefined,
): Promise<boolean> {
  if (finished === undefined) return notes.seed === undefined;
  if (notes.seed === undefined) return false;
  const now = await readPrints(fileSystem, finished);
  const best = likeness(now, now);
  return likeness(notes.seed, now) === best && likeness(notes.seed, notes.seed) === best;
}

/**
 * Names this run of the computer: after a power loss, files that were not synced may be empty or torn.
 * Without an id from the system, the minute of its start, which moves when the clock is set.
 */
export function runOfComputer(): string {
  const id = bootId();
  return id !== '' ? id : `began ${Math.round((Date.now() / 1000 - os.uptime()) / 60)}`;
}

export function isSameRun(one: string, other: string): boolean {
  if (one === other) return true;
  const minute = (run: string) => Number(/^began (\d+)$/.exec(run)?.[1]);
  return Math.abs(minute(one) - minute(other)) <= 2;
}
