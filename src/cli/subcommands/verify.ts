import path from 'node:path';
import { AppError, isAppError } from '../../base/errors';
import type { VerifyReport } from '../../backups';
import { formatBytes, formatNumber } from '../../texts/format';
import { hidesFromFinder } from '../../texts/verifyReport';
import { ExitCode, type Command } from '../command';
import { findingText } from '../findingText';
import { withProgress } from '../withProgress';

export const verify: Command = {
  summary: 'check that a backup is complete and undamaged',
  operands: 'BACKUP',
  count: [1, 1],
  options: { level: { value: 'quick|full', help: 'names and sizes, or every byte; default quick' } },
  help: [
    'Exit code 4 when damage is found. The password of an encrypted backup is read from standard input, if there is',
    'one; without it what needs a key is not checked, and that is said.',
  ],
  async run({ engine, operands, option, output, secrets, signal }) {
    const folder = path.resolve(operands[0] ?? '');
    const level = option('level') ?? 'quick';
    if (level !== 'quick' && level !== 'full') throw new AppError('wrongUsage', '--level is quick or full');
    const client = await engine();
    const check = (password?: string) =>
      withProgress(client, 'verify', output, () =>
        client.call('verify', { path: folder, level, ...(password !== undefined && { password }) }, { signal }),
      );
    let report = await check();
    if (report.notChecked.length > 0) {
      const password = await secrets.readIfGiven('Backup password').catch((error: unknown) => {
        if (isAppError(error, 'passwordNeeded')) return undefined;
        throw error;
      });
      if (password !== undefined) report = await check(password);
    }
    for (const finding of report.findings) output.event('finding', finding, findingText(finding));
    for (const what of report.notChecked) output.event('notChecked', { what }, `Not checked: ${what}`);
    const hiding = hidesFromFinder(report.findings);
    if (hiding.length > 0) {
      output.event('notListed', { files: hiding }, `Finder and iTunes do not list it because of: ${hiding.join(', ')}`);
    }
    const damaged = report.damages > 0;
    const { findings: _findings, ...facts } = report;
    output.done({ ...facts, damaged, findings: report.findings.length }, resultText(report, damaged));
    return damaged ? ExitCode.damageFound : ExitCode.done;
  },
};

function resultText({ files, bytes, level }: VerifyReport, damaged: boolean): string {
  const what = `${formatNumber(files)} files, ${formatBytes(bytes)}, ${level} check`;
  return damaged ? `The backup is damaged (${what}).` : `The backup is good (${what}).`;
}
