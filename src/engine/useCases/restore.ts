import { AppError, toErrorData } from '../../base/errors';
import type { BackupSummary } from '../../backups';
import type { JobContext } from '../jobs';
import type { DeviceRestoreOutcome, ProgressUpdate } from '../ports';
import type { HistoryEntry, RestoreEnd, RestoreParams } from '../protocol';
import { backupSize } from './backupSize';
import { checkRestore, refuseStopped } from './checkRestore';
import type { Caller, EngineServices } from './engineServices';
import { errorOfJob } from './errorOfJob';
import { requireTrust } from './requireTrust';

/** What the device does with the files afterwards takes its time too. */
const LAST_OF_SENDING = 0.95;

/**
 * Checks, then restores, then watches the device restart. What is on the device is replaced; the backup is only read. An
 * end before the device has everything leaves the device as it was, or to be restored once more; the backup is as before.
 * @throws AppError as refuseStopped() if a check forbids it; `findMyOn`, `deviceDiskFull`, `deviceGone`, `cancelled` …
 */
export function restore(services: EngineServices, params: RestoreParams, caller: Caller): Promise<RestoreEnd> {
  const { udid, path } = params;
  const job = { kind: 'restore', owner: caller.owner, name: services.devices.nameOf(udid), udid, path } as const;
  const work = async (context: JobContext) => {
    const startedAt = new Date().toISOString();
    const facts: Facts = { encrypted: params.password !== undefined };
    try {
      const outcome = await run(services, params, context, facts);
      await record(services, { params, context, startedAt, facts, outcome });
      return outcome.restarted === undefined ? {} : { restarted: outcome.restarted };
    } catch (error) {
      const told = errorOfJob('restore', error);
      await record(services, { params, context, startedAt, facts, error: told });
      throw told;
    } finally {
      services.devices.refreshSoon(udid);
    }
  };
  return services.jobs.run(job, work, { signal: caller.signal, facts: (end) => ({ restore: end }) });
}

interface Facts {
  encrypted: boolean;
}

async function run(
  services: EngineServices,
  { udid, path, date, password, options }: RestoreParams,
  { report, signal }: JobContext,
  facts: Facts,
): Promise<DeviceRestoreOutcome> {
  const { ports, log } = services;
  await requireTrust(services, udid);
  report({ stage: 'checking' });
  const secret = password !== undefined && { password };
  refuseStopped(await checkRestore(services, { udid, path, ...secret }, { signal }));
  const backup = await ports.backups.describe(path, signal);
  if (date !== undefined && backup.date !== date) {
    throw new AppError('backupReplaced', `the backup in ${path} is of ${backup.date ?? 'no date'}, not of ${date}`);
  }
  facts.encrypted = backup.encrypted;
  const sourceUdid = backup.udid ?? udid;
  log.info(`restore of ${path} (${about(backup)}) to ${udid}: ${JSON.stringify(options)}`);
  const source = await ports.backups.openSource(path, sourceUdid);
  try {
    report({ stage: 'starting' });
    const total = await backupSize(services, backup, signal);
    const told = (update: ProgressUpdate) => report(withFraction(update, total));
    const request = { store: source.store, sourceUdid, options, report: told, signal };
    // A device takes no password for a backup that is not encrypted.
    return await ports.devices.restore(udid, { ...request, ...(backup.encrypted && secret) });
  } finally {
    await source.close();
  }
}

/** The device tells how far it is only between long messages; what it has taken of the backup tells it meanwhile. */
function withFraction(update: ProgressUpdate, totalBytes: number): ProgressUpdate {
  const { stage, bytes = 0, fraction = 0 } = update;
  if (stage !== 'sending' || totalBytes <= 0) return update;
  return { ...update, fraction: Math.max(fraction, Math.min(LAST_OF_SENDING, bytes / totalBytes)) };
}

function about({ udid, date, productVersion, encrypted }: BackupSummary): string {
  return [udid, date, productVersion, encrypted ? 'encrypted' : 'plain'].filter(Boolean).join(', ');
}

interface Ended {
  readonly params: RestoreParams;
  readonly context: JobContext;
  readonly startedAt: string;
  readonly facts: Facts;
  readonly outcome?: DeviceRestoreOutcome;
  readonly error?: unknown;
}

/** A history that cannot be written does not make a good restore a failed one. */
async function record({ history, log }: EngineServices, ended: Ended): Promise<void> {
  const { params, context, startedAt, facts, outcome, error } = ended;
  const data = error === undefined ? undefined : toErrorData(error);
  const stopped = data && (context.signal.aborted || data.code === 'cancelled' || data.code === 'cancelledOnDevice');
  const entry: HistoryEntry = {
    kind: 'restore',
    udid: params.udid,
    startedAt,
    endedAt: new Date().toISOString(),
    outcome: !data ? 'done' : stopped ? 'cancelled' : 'failed',
    ...(data && !stopped && { error: data }),
    bytes: outcome?.bytes ?? context.progress().bytes,
    files: outcome?.files ?? context.progress().files,
    full: true,
    encrypted: facts.encrypted,
  };
  await history.add(entry).catch((problem: unknown) => log.warn(`history: ${toErrorData(problem).message}`));
}
