import path from 'node:path';
import type { EngineState } from '../engine/protocol';

const HOUR_MS = 3_600_000;
/** After an attempt that did not succeed, so that a person who declines is not asked again at once. */
const PAUSE_MS = HOUR_MS;

export interface AutomaticFacts {
  readonly udid: string;
  /** Where the device's backups go. */
  readonly folder: string;
  readonly everyHours: number;
  readonly engine: EngineState;
  /** When the last attempt was seen, whoever made it; milliseconds since 1970. */
  readonly triedAt: number | undefined;
  readonly now: number;
}

/** Whether a backup is to begin by itself: only once it is known how old the last one is. */
export function isAutomaticBackupDue({ udid, folder, everyHours, engine, triedAt, now }: AutomaticFacts): boolean {
  const device = engine.devices.find((one) => one.udid === udid);
  if (!device?.details || engine.jobs.some((job) => job.udid === udid && !job.outcome)) return false;
  if (triedAt !== undefined && now - triedAt < PAUSE_MS) return false;
  // Before the folder has been read, and while its disk is away, an old backup cannot be told from none.
  const place = engine.catalogue.folders.find((one) => path.resolve(one.path) === path.resolve(folder));
  if (place?.state !== 'ready' && place?.state !== 'missing') return false;
  const last = engine.catalogue.backups.find((backup) => backup.udid === udid && backup.state === 'finished')?.date;
  return !last || now - Date.parse(last) >= everyHours * HOUR_MS;
}
