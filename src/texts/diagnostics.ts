import type { CatalogueState, FolderState } from '../backups';
import type { DeviceInfo } from '../device';
import type { EngineDiagnosis, EngineState, Job, PastRun } from '../engine/protocol';
import { formatBytes } from './format';

export interface DiagnosticFacts {
  /** `0.1.0 in VS Code 1.101.0`, `0.1.0, command line`. */
  readonly program: string;
  readonly diagnosis: EngineDiagnosis;
  readonly state: EngineState;
}

/**
 * What helps others to help: for a report of a problem, in the words of the program, whatever language it is shown in. It
 * names no person, device, file or folder: versions, models, states, codes and numbers alone.
 */
export function diagnosticsText({ program, diagnosis, state }: DiagnosticFacts): string {
  const { mux, devices, catalogue, jobs } = state;
  const rows: (readonly [name: string, value: string])[] = [
    ['program', program],
    ['system', diagnosis.system],
    ['runtime', diagnosis.runtime],
    ['service', joined([mux.kind, diagnosis.muxVersion && `usbmuxd ${diagnosis.muxVersion}`])],
    ...devices.map((device) => ['device', ofDevice(device)] as const),
    ...catalogue.folders.map((folder) => ['folder', ofFolder(folder)] as const),
    ...(catalogue.folders.length > 0 ? [['backups', ofBackups(catalogue)] as const] : []),
    ...jobs.map((job) => ['job', ofJob(job)] as const),
    ...diagnosis.runs.map((run) => ['run', ofRun(run)] as const),
  ];
  return rows.map(([name, value]) => `${name.padEnd(8)} ${value}\n`).join('');
}

function ofDevice({ connections, trust, identity, details }: DeviceInfo): string {
  return joined([
    identity?.productType,
    identity &&
      [identity.productVersion, identity.buildVersion && `(${identity.buildVersion})`].filter(Boolean).join(' '),
    connections.join('+'),
    trust.kind,
    details?.backup.willEncrypt && 'encrypts',
    details?.backup.requiresEncryption && 'must encrypt',
    details?.locked && 'locked',
    details?.supervised && 'supervised',
    details?.storage && `${formatBytes(details.storage.free)} of ${formatBytes(details.storage.total)} free`,
  ]);
}

function ofFolder({ kind, state, freeBytes }: FolderState): string {
  return joined([kind, state, freeBytes !== undefined && `${formatBytes(freeBytes)} free`]);
}

function ofBackups({ backups }: CatalogueState): string {
  const counts = (['finished', 'unfinished', 'damaged'] as const).map((state) => {
    const count = backups.filter((backup) => backup.state === state).length;
    return count > 0 && `${count} ${state}`;
  });
  return joined(counts) || 'none';
}

function ofJob({ kind, startedAt, progress, outcome }: Job): string {
  const { stage, files, bytes, warnings } = progress;
  const number = outcome?.kind === 'failed' ? outcome.error.details['number'] : undefined;
  return joined([
    startedAt,
    kind,
    outcome?.kind ?? 'running',
    `stage ${stage}`,
    outcome?.kind === 'failed' && outcome.error.code,
    typeof number === 'number' && `device error ${number}`,
    `${files} files`,
    formatBytes(bytes),
    warnings > 0 && `${warnings} warnings`,
  ]);
}

function ofRun({ kind, startedAt, endedAt, outcome, code, number, files, bytes, full }: PastRun): string {
  const seconds = Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
  return joined([
    startedAt,
    full ? `full ${kind}` : kind,
    outcome,
    code,
    number !== undefined && `device error ${number}`,
    `${files} files`,
    formatBytes(bytes),
    `${seconds} s`,
  ]);
}

function joined(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part).join(', ');
}
