import path from 'node:path';
import { AppError, isAppError, toErrorData } from '../../base/errors';
import type { RetentionPolicy } from '../../backups';
import type { JobContext } from '../jobs';
import type { DeviceBackupOutcome, Staging } from '../ports';
import type { HistoryEntry, MadeBackup } from '../protocol';
import { requireTrust } from './requireTrust';
import type { Caller, EngineServices } from './engineServices';

export interface BackUpRequest {
  readonly udid: string;
  /** Absolute; the backup lands in `<folder>/<UDID>`. */
  readonly folder: string;
  readonly full: boolean;
  /** Of encrypted backups, for a thorough check at the end. The device needs none. */
  readonly password?: string;
  /** Which versions stay afterwards. Absent: all. */
  readonly keep?: RetentionPolicy;
}

/** Less than a backup of nothing needs: its plists, manifests and their copies. */
const LEAST_FREE_BYTES = 4 * 1024 * 1024;

/** From preflight to the finished backup in its place. A failure leaves what was received, for the next run to go on. */
export function backUp(services: EngineServices, request: BackUpRequest, caller: Caller): Promise<MadeBackup> {
  const { udid, folder } = request;
  const job = {
    kind: 'backup',
    owner: caller.owner,
    name: services.devices.nameOf(udid),
    udid,
    path: path.join(folder, udid),
  } as const;
  const work = async (context: JobContext) => {
    const startedAt = new Date().toISOString();
    const facts = { full: request.full };
    try {
      const { summary, outcome } = await run(services, request, context, facts);
      await record(services, { request, context, startedAt, facts, summary, outcome });
      return summary;
    } catch (error) {
      await record(services, { request, context, startedAt, facts, error });
      throw error;
    } finally {
      services.devices.refreshSoon(udid);
    }
  };
  return services.jobs.run(job, work, { signal: caller.signal, facts: (backup) => ({ backup }) });
}

interface Facts {
  /** As asked; then as it turned out. */
  full: boolean;
}

interface Finished {
  readonly summary: MadeBackup;
  readonly outcome: DeviceBackupOutcome;
}

async function run(
  services: EngineServices,
  request: BackUpRequest,
  context: JobContext,
  facts: Facts,
): Promise<Finished> {
  const { ports, log } = services;
  const { udid, folder } = request;
  await requireTrust(services, udid);
  await ports.backups.recover(folder, context.signal);
  await refuseFullDisk(services, folder);
  try {
    return await runOnce(services, { ...request, fresh: false }, context, facts);
  } catch (error) {
    if (!(error instanceof ResumeRefused)) throw error;
    log.warn(`device ${udid} refuses to go on with the interrupted backup; it starts again: ${error.message}`);
    context.report({ warnings: context.progress().warnings + 1 });
    return runOnce(services, { ...request, fresh: true }, context, facts);
  }
}

/** The device cannot read what an interrupted run has left: another try, without it, can succeed. */
class ResumeRefused extends Error {}

async function runOnce(
  { ports, log, jobs, catalogue }: EngineServices,
  { udid, folder, full, fresh, password, keep }: BackUpRequest & { readonly fresh: boolean },
  { report, hold, signal }: JobContext,
  facts: Facts,
): Promise<Finished> {
  report({ stage: 'seeding' });
  const staging = await ports.backups.openStaging({ folder, udid, full, fresh, report, signal });
  try {
    log.info(`backup of ${udid} to ${folder}: ${describe(staging, full)}`);
    report({ stage: 'starting' });
    const outcome = await receive(staging);
    facts.full = outcome.full;
    report({ stage: 'checking' });
    const { skipped, encrypted, notRead } = outcome;
    const secret = password !== undefined && { password };
    const made = await staging.commit({ skipped, encrypted, report, signal, ...secret });
    const summary = notRead ? { ...made, notRead } : made;
    if (keep) await applyRetention(keep);
    // Not waited for: a slow disk elsewhere would hold up the end of a finished backup.
    catalogue.rescan().catch((error: unknown) => log.warn(`rescan failed: ${toErrorData(error).message}`));
    return { summary, outcome };
  } finally {
    await staging.close();
  }

  /** The backup is there; that old ones could not be removed is no reason to call it failed. */
  async function applyRetention(policy: RetentionPolicy): Promise<void> {
    try {
      // One of them may just be restored to another device.
      jobs.refuseBeside(folder, path.join(folder, udid));
      report({ stage: 'removing' });
      await ports.backups.applyRetention(folder, udid, policy, { hold, signal });
    } catch (error) {
      log.warn(`old versions of ${udid} stay: ${toErrorData(error).message}`);
    }
  }

  async function receive({ store, resumed }: Staging): Promise<DeviceBackupOutcome> {
    try {
      return await ports.devices.backUp(udid, { store, full: full && !resumed, report, signal });
    } catch (error) {
      if (!resumed || signal.aborted || !isAppError(error, 'previousBackupUnreadable')) throw error;
      throw new ResumeRefused(error.message, { cause: error });
    }
  }
}

function describe({ resumed, incremental }: Staging, full: boolean): string {
  if (resumed) return 'goes on with an interrupted one';
  if (!incremental) return 'the first one';
  return full ? 'full' : 'incremental';
}

async function refuseFullDisk({ ports }: EngineServices, folder: string): Promise<void> {
  const free = await ports.backups.freeSpace(folder);
  if (free === undefined || free >= LEAST_FREE_BYTES) return;
  throw new AppError('hostDiskFull', `${free} bytes free in ${folder}`, {
    details: { freeBytes: free, neededBytes: LEAST_FREE_BYTES, folder },
  });
}

interface Ended {
  readonly request: BackUpRequest;
  readonly context: JobContext;
  readonly startedAt: string;
  readonly facts: Facts;
  readonly summary?: MadeBackup;
  readonly outcome?: DeviceBackupOutcome;
  readonly error?: unknown;
}

/** A history that cannot be written does not make a good backup a failed one. */
async function record({ history, log }: EngineServices, ended: Ended): Promise<void> {
  const { request, context, startedAt, facts, summary, error } = ended;
  const data = error === undefined ? undefined : toErrorData(error);
  const stopped = data && (context.signal.aborted || data.code === 'cancelled' || data.code === 'cancelledOnDevice');
  const entry: HistoryEntry = {
    udid: request.udid,
    startedAt,
    endedAt: new Date().toISOString(),
    outcome: !data ? 'done' : stopped ? 'cancelled' : 'failed',
    ...(data && !stopped && { error: data }),
    bytes: ended.outcome?.bytes ?? context.progress().bytes,
    files: ended.outcome?.files ?? context.progress().files,
    full: facts.full,
    encrypted: summary?.encrypted ?? false,
  };
  await history.add(entry).catch((problem: unknown) => log.warn(`history: ${toErrorData(problem).message}`));
}
