import { compare as compareBackups, type Difference } from '../../backups';
import { formatBytes, formatNumber } from '../../texts/format';
import type { Command } from '../command';
import { openForReading } from '../openForReading';

export const compare: Command = {
  summary: 'tell what changed between two backups',
  operands: 'BACKUP OTHER',
  count: [2, 2],
  options: { thorough: { help: 'compare contents also where size and date agree' } },
  help: [
    'BACKUP is the earlier one. Files are compared by kind, size and date, then by content; never by their keys.',
    'Passwords are read from standard input, one line each; the second only if it is another one.',
  ],
  async run(context) {
    const { operands, flag, output, signal } = context;
    const [earlier = '', later = ''] = operands;
    const before = await openForReading(context, earlier);
    try {
      const after = await openForReading(context, later, before);
      try {
        const count = { added: 0, removed: 0, changed: 0 };
        for await (const difference of compareBackups(before, after, { signal, thorough: flag('thorough') })) {
          // Folders alone say nothing about what happened.
          if (difference.fileKind === 'directory' && difference.kind !== 'changed') continue;
          count[difference.kind]++;
          const { relativePath: path, ...facts } = difference;
          output.event('difference', { ...facts, path }, differenceText(difference));
        }
        const { added, removed, changed } = count;
        const text = `${formatNumber(added)} added, ${formatNumber(removed)} removed, ${formatNumber(changed)} changed.`;
        output.done(count, text);
      } finally {
        after.close();
      }
    } finally {
      before.close();
    }
  },
};

const SIGNS = { added: '+', removed: '-', changed: '~' };

function differenceText({ kind, domain, relativePath, sizeBefore, sizeAfter, what }: Difference): string {
  const sizes = [sizeBefore, sizeAfter].filter((size) => size !== undefined).map(formatBytes);
  const why = what === undefined || what === 'size' ? '' : ` [${what}]`;
  return `${SIGNS[kind]} ${domain}/${relativePath}  ${[...new Set(sizes)].join(' → ')}${why}`;
}
