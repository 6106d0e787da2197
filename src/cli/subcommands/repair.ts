import path from 'node:path';
import { AppError } from '../../base/errors';
import { formatNumber } from '../../texts/format';
import { ExitCode, type Command } from '../command';
import { findingText } from '../findingText';
import { withProgress } from '../withProgress';

export const repair: Command = {
  summary: 'check the backup of a device, and repair it from its other versions',
  operands: 'BACKUP',
  count: [1, 1],
  options: {
    level: { value: 'quick|full', help: 'how to look for damage: names and sizes, or every byte; default full' },
  },
  help: [
    'A new version is made in which every damaged file comes from another version, or from a second copy of ours, where',
    'that is proven to be equal. The damaged backup is not changed: it stays as an earlier version. No password is needed.',
    'Exit code 4 when damage is left.',
  ],
  async run({ engine, operands, option, output, signal }) {
    const folder = path.resolve(operands[0] ?? '');
    const level = option('level') ?? 'full';
    if (level !== 'quick' && level !== 'full') throw new AppError('wrongUsage', '--level is quick or full');
    const client = await engine();
    const { findings, damages } = await withProgress(client, 'verify', output, () =>
      client.call('verify', { path: folder, level }, { signal }),
    );
    for (const finding of findings) output.event('finding', finding, findingText(finding));
    if (damages === 0) {
      output.done({ path: folder, repaired: 0, left: 0 }, 'No damage was found; nothing is to be repaired.');
      return ExitCode.done;
    }
    const result = await withProgress(client, 'repair', output, () =>
      client.call('repairBackup', { path: folder }, { signal }),
    );
    const { repaired } = result;
    // Beyond the list of findings, nothing was even tried.
    const left = Math.max(result.left, damages - repaired);
    output.done({ ...result, left }, resultText(repaired, left, result.version));
    return left > 0 ? ExitCode.damageFound : ExitCode.done;
  },
};

function resultText(repaired: number, left: number, version: string | undefined): string {
  const [some, rest] = [formatNumber(repaired), formatNumber(left)];
  if (repaired === 0) return `Nothing was repaired: of ${rest} damaged files no whole copy was found.`;
  const kept = version === undefined ? '' : ` The damaged backup is kept as ${version}.`;
  return left === 0
    ? `All ${some} damaged files are repaired.${kept}`
    : `${some} files are repaired; of ${rest} no whole copy was found.${kept}`;
}
