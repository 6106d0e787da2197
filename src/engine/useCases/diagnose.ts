import os from 'node:os';
import { toErrorData } from '../../base/errors';
import type { EngineDiagnosis, HistoryEntry, PastRun } from '../protocol';
import type { EngineServices } from './engineServices';

/** Of all devices together. */
const MAX_RUNS = 20;

/** What this computer is and how the last runs ended, without a name of a person, device, file or folder. */
export async function diagnose({ ports, history, log }: EngineServices): Promise<EngineDiagnosis> {
  const muxVersion = await ports.devices.muxVersion();
  const entries = await history.recent(MAX_RUNS).catch((error: unknown) => {
    log.warn(`history: ${toErrorData(error).message}`);
    return [];
  });
  const { electron, node } = process.versions;
  return {
    system: `${os.platform()} ${os.release()} ${os.arch()}`,
    runtime: electron ? `Electron ${electron}, Node.js ${node}` : `Node.js ${node}`,
    ...(muxVersion !== undefined && { muxVersion }),
    runs: entries.map(pastRun),
  };
}

/** The device's own description stays behind: it can name files and apps. */
function pastRun({ kind, startedAt, endedAt, outcome, error, bytes, files, full }: HistoryEntry): PastRun {
  const number = error?.details['number'];
  return {
    kind: kind ?? 'backup',
    startedAt,
    endedAt,
    outcome,
    bytes,
    files,
    full,
    ...(error && { code: error.code }),
    ...(typeof number === 'number' && { number }),
  };
}
