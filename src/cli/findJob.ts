import { AppError } from '../base/errors';
import type { EngineState, Job } from '../engine/protocol';
import { same } from './findDevice';

/**
 * The running job: of a device, or the only one.
 * @throws AppError `noSuchJob`, `severalDevices`.
 */
export function findJob({ jobs }: EngineState, udid: string | undefined): Job {
  const running = jobs.filter((job) => !job.outcome && (udid === undefined || (job.udid && same(job.udid, udid))));
  const [only, another] = running;
  if (!only) throw new AppError('noSuchJob', 'no job is running');
  if (another) throw new AppError('severalDevices', `${running.length} jobs are running; use --udid`);
  return only;
}
