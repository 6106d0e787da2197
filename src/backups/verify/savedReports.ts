import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { VerifyReport } from '../types';

/** Where a full check of this backup notes how far it has come. */
export function progressFile(stateFolder: string | undefined, backup: string): string | undefined {
  return stateFolder === undefined ? undefined : path.join(stateFolder, 'checks', `${keyOf(backup)}.progress.json`);
}

/** Keeps the last report of a backup. Never fails: a report that cannot be kept has been given all the same. */
export function saveReport(stateFolder: string | undefined, report: VerifyReport): void {
  if (stateFolder === undefined) return;
  const file = reportFile(stateFolder, report.path);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${file}.new`, JSON.stringify(report, undefined, 1), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  } catch {
    // The folder of the state is full or read-only.
  }
}

/** The last report about this backup, if there is one that can be read. */
export function readReport(stateFolder: string, backup: string): VerifyReport | undefined {
  try {
    const report = JSON.parse(fs.readFileSync(reportFile(stateFolder, backup), 'utf8')) as Partial<VerifyReport> | null;
    return report?.path === path.resolve(backup) && Array.isArray(report.findings)
      ? (report as VerifyReport)
      : undefined;
  } catch {
    return undefined;
  }
}

function reportFile(stateFolder: string, backup: string): string {
  return path.join(stateFolder, 'checks', `${keyOf(backup)}.json`);
}

function keyOf(backup: string): string {
  return createHash('sha256').update(path.resolve(backup)).digest('hex').slice(0, 32);
}
