import { abortable } from '../../base/abort';
import type { Log } from '../../base/log';
import type { FileSystem } from './fileSystem';
import { writeStageNotes, type StageNotes } from './stageNotes';

/** A disk that has not written everything out by then is slow or hangs; whoever has cancelled is not to wait for it. */
export const KEEP_LIMIT_MS = 30_000;

export interface KeptStaging {
  readonly fileSystem: FileSystem;
  /** The folder of our own notes in the staging folder. */
  readonly folder: string;
  /** Where the notes are. */
  readonly file: string;
  readonly notes: StageNotes;
  readonly log: Log;
  readonly limitMs?: number | undefined;
}

/**
 * What was received survives a power loss from now on, and the notes say so. Never fails and never hangs: what cannot be
 * written out in time may still be used by the next run, as long as the computer stays on.
 */
export async function keepStaging({ fileSystem, folder, file, notes, log, limitMs }: KeptStaging): Promise<void> {
  const limit = limitMs ?? KEEP_LIMIT_MS;
  const signal = AbortSignal.timeout(limit);
  try {
    if (!(await abortable(fileSystem.syncFileSystem(folder, signal), signal))) return;
    const { unsyncedSince: _, ...synced } = notes;
    await writeStageNotes(fileSystem, file, synced);
  } catch (error) {
    const why = signal.aborted ? `the disk has not written it out within ${limit / 1000} s` : String(error);
    log.warn(`the interrupted backup may not survive a power loss: ${why}`);
  }
}
