import path from 'node:path';
import { measureBackup } from '../../backups';
import type { Command } from '../command';
import { listFolder } from '../listFolder';
import { backupText } from '../backupText';
import { requiredOption } from '../requiredOption';

export const backups: Command = {
  summary: 'list the backups in a folder',
  options: {
    folder: { value: 'DIR', help: 'where backups are' },
    sizes: { help: 'measure them too, which can take minutes' },
  },
  async run(context) {
    const { engine, flag, output, signal } = context;
    const folder = path.resolve(requiredOption(context, 'folder'));
    const list = await listFolder(await engine(), folder, signal);
    for (const found of list) {
      const size = flag('sizes') ? await measureBackup(found.path, { signal }) : undefined;
      const backup = size ? { ...found, size } : found;
      output.event('backup', backup, backupText(backup));
    }
    output.done({ backups: list.length }, list.length === 0 ? `There is no backup in ${folder}.` : undefined);
  },
};
