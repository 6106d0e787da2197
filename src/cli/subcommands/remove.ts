import path from 'node:path';
import { cancelled } from '../../base/errors';
import type { Command } from '../command';
import { withProgress } from '../withProgress';

/** `delete` is no name for a variable. */
export const remove: Command = {
  summary: 'delete a backup or version',
  operands: 'BACKUP',
  count: [1, 1],
  options: {
    yes: { help: 'do not ask on a terminal' },
    'even-if-only': { help: 'also the only complete backup of its device' },
  },
  async run({ engine, operands, flag, output, secrets, signal }) {
    const folder = path.resolve(operands[0] ?? '');
    const client = await engine();
    if (!flag('yes') && secrets.isTerminal) {
      const typed = await secrets.ask(`Delete ${folder}? Type yes to go on`);
      if (typed?.trim().toLowerCase() !== 'yes') throw cancelled('not confirmed');
    }
    await withProgress(client, 'delete', output, () =>
      client.call('deleteBackup', { path: folder, evenIfOnly: flag('even-if-only') }, { signal }),
    );
    output.done({ path: folder }, `Deleted ${folder}.`);
  },
};
