import path from 'node:path';
import type { Command } from '../command';
import { listFolder } from '../listFolder';
import { backupText } from '../backupText';
import { requiredOption } from '../requiredOption';

export const backups: Command = {
  summary: 'list the backups in a folder',
  options: { folder: { value: 'DIR', help: 'where backups are' } },
  async run(context) {
    const { engine, output, signal } = context;
    const folder = path.resolve(requiredOption(context, 'folder'));
    const list = await listFolder(await engine(), folder, signal);
    for (const backup of list) output.event('backup', backup, backupText(backup));
    output.done({ backups: list.length }, list.length === 0 ? `There is no backup in ${folder}.` : undefined);
  },
};
