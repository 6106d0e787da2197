import path from 'node:path';
import { toErrorData } from '../../base/errors';
import type { BackupSummary, RepairResult, VerifyReport } from '../../backups';
import type { JobContext } from '../jobs';
import type { EngineCalls, JobKind } from '../protocol';
import type { Caller, EngineServices } from './engineServices';

export function verify(
  services: EngineServices,
  { path: folder, level, password }: EngineCalls['verify']['params'],
  caller: Caller,
): Promise<VerifyReport> {
  const work = ({ report, signal }: JobContext) => {
    report({ stage: 'checking' });
    const secret = password !== undefined && { password };
    return services.ports.backups.verify({ path: folder, level, ...secret, report, signal });
  };
  const job = jobOn(services, 'verify', folder, caller);
  return services.jobs.run(job, work, { signal: caller.signal, facts: (report) => ({ report }) });
}

export function repairBackup(services: EngineServices, folder: string, caller: Caller): Promise<RepairResult> {
  return changing(services, 'repair', folder, caller, ({ report, signal }) => {
    report({ stage: 'working' });
    return services.ports.backups.repair(folder, { report, signal });
  });
}

export function deleteBackup(
  services: EngineServices,
  { path: folder, evenIfOnly = false }: EngineCalls['deleteBackup']['params'],
  caller: Caller,
): Promise<void> {
  return changing(services, 'delete', folder, caller, ({ report, signal }) => {
    report({ stage: 'removing' });
    return services.ports.backups.delete(folder, { evenIfOnly, signal });
  });
}

export function archiveBackup(services: EngineServices, folder: string, caller: Caller): Promise<BackupSummary> {
  return changing(services, 'archive', folder, caller, ({ report, signal }) => {
    report({ stage: 'working' });
    return services.ports.backups.archive(folder, { report, signal });
  });
}

export function moveBackup(
  services: EngineServices,
  { path: folder, toFolder }: EngineCalls['moveBackup']['params'],
  caller: Caller,
): Promise<BackupSummary> {
  return changing(services, 'move', folder, caller, ({ report, signal }) => {
    report({ stage: 'working' });
    return services.ports.backups.move(folder, toFolder, { report, signal });
  });
}

export async function labelBackup(
  services: EngineServices,
  { path: folder, label }: EngineCalls['labelBackup']['params'],
): Promise<void> {
  await services.ports.backups.label(folder, label);
  await services.catalogue.rescan();
}

async function changing<T>(
  services: EngineServices,
  kind: JobKind,
  folder: string,
  caller: Caller,
  work: (context: JobContext) => Promise<T>,
): Promise<T> {
  const facts = (result: T) => (isSummary(result) ? { backup: result } : {});
  try {
    return await services.jobs.run(jobOn(services, kind, folder, caller), work, { signal: caller.signal, facts });
  } finally {
    // Also after a failure: half of it may have happened.
    const problem = (error: unknown) => services.log.warn(`rescan failed: ${toErrorData(error).message}`);
    services.catalogue.rescan().catch(problem);
  }
}

function jobOn({ catalogue }: EngineServices, kind: JobKind, folder: string, { owner }: Caller) {
  const known = catalogue.state.backups.find((backup) => backup.path === folder);
  return { kind, owner, path: folder, name: known?.label ?? known?.deviceName ?? path.basename(folder) };
}

function isSummary(value: unknown): value is BackupSummary {
  return typeof value === 'object' && value !== null && 'role' in value && 'path' in value;
}

export function previewRetention(
  { ports }: EngineServices,
  { folder, udid, policy }: EngineCalls['previewRetention']['params'],
  { signal }: Caller,
): Promise<EngineCalls['previewRetention']['result']> {
  return ports.backups.previewRetention(folder, udid, policy, signal);
}

/** As a job on the device's backup: nothing is removed while a backup of it is made, or one beside it is restored. */
export function applyRetention(
  services: EngineServices,
  { folder, udid, policy, only }: EngineCalls['applyRetention']['params'],
  caller: Caller,
): Promise<readonly string[]> {
  const own = path.join(folder, udid);
  return changing(services, 'delete', own, caller, async ({ report, hold, signal }) => {
    services.jobs.refuseBeside(folder, own);
    report({ stage: 'removing' });
    return services.ports.backups.applyRetention(folder, udid, policy, { signal, hold, only });
  });
}
