import path from 'node:path';
import { AppError } from '../../base/errors';
import { backupText } from '../backupText';
import type { Command } from '../command';
import { same } from '../findDevice';
import { listFolder } from '../listFolder';

export const versions: Command = {
  summary: 'list the versions of a backup, newest first',
  operands: '[BACKUP]',
  count: [0, 1],
  options: {
    folder: { value: 'DIR', help: 'where backups are, instead of BACKUP' },
    udid: { value: 'U', help: 'only of this device' },
  },
  async run({ engine, operands, option, output, signal }) {
    const given = operands[0];
    const folder = option('folder');
    if ((given === undefined) === (folder === undefined)) {
      throw new AppError('wrongUsage', 'BACKUP or --folder is needed, not both');
    }
    const one = given === undefined ? undefined : path.resolve(given);
    const root = one === undefined ? path.resolve(folder ?? '') : path.dirname(one);
    const list = await listFolder(await engine(), root, signal);
    const backup = one === undefined ? undefined : list.find((item) => item.path === one);
    if (one !== undefined && !backup) {
      throw new AppError('notABackup', `${one} is not a backup`, { details: { path: one } });
    }
    const udid = option('udid') ?? backup?.udid;
    const wanted = list.filter((item) => udid === undefined || (item.udid !== undefined && same(item.udid, udid)));
    for (const version of wanted) output.event('version', version, backupText(version));
    output.done({ versions: wanted.length }, wanted.length === 0 ? `There is no backup in ${root}.` : undefined);
  },
};
