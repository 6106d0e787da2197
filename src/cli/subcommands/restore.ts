import path from 'node:path';
import { AppError, cancelled } from '../../base/errors';
import { refuseStopped } from '../../engine/useCases/checkRestore';
import { findingText } from '../../texts/findings';
import { isNameTyped } from '../../texts/isNameTyped';
import { restoreEndText } from '../../texts/restoreEnd';
import { UDID_OPTION, type Command } from '../command';
import { findDevice } from '../findDevice';
import { withProgress } from '../withProgress';

export const restore: Command = {
  summary: 'restore a backup to a device, replacing what is on it',
  operands: 'BACKUP',
  count: [1, 1],
  options: {
    udid: UDID_OPTION,
    yes: { help: 'do not ask for the device’s name; every check is made all the same' },
    'no-system-files': { help: 'leave out system files and settings' },
    'keep-settings': { help: 'keep the settings that the device has now' },
    'keep-other-files': { help: 'keep what is on the device and not in the backup' },
    'no-restart': { help: 'do not restart the device at the end' },
  },
  help: [
    'BACKUP is the folder with Manifest.plist. The password of an encrypted backup is read from standard input.',
    'Apps are not in a backup: the device loads them from the App Store afterwards.',
  ],
  async run({ engine, operands, option, flag, output, secrets, signal }) {
    const folder = path.resolve(operands[0] ?? '');
    const client = await engine();
    const { udid, identity } = await findDevice(client, option('udid'), signal);
    const name = identity?.name ?? udid;
    const check = (password?: string) =>
      client.call('checkRestore', { udid, path: folder, ...(password !== undefined && { password }) }, { signal });
    let password: string | undefined;
    let findings = await check();
    if (findings.some(({ id }) => id === 'passwordNeeded')) {
      password = await secrets.read('Backup password');
      findings = await check(password);
    }
    for (const finding of findings) output.event('finding', finding, findingText(finding));
    // The engine checks again; here it is said before anything is asked.
    refuseStopped(findings);
    if (!flag('yes')) {
      if (!secrets.isTerminal) throw new AppError('wrongUsage', 'without a terminal, --yes is needed');
      const typed = await secrets.ask(
        `What is on “${name}” will be replaced by the backup in ${folder}. Type the device’s name to go on`,
      );
      if (typed === undefined || !isNameTyped(typed, name)) throw cancelled('the name was not typed');
    }
    const options = {
      systemFiles: !flag('no-system-files'),
      keepSettings: flag('keep-settings'),
      removeOthers: !flag('keep-other-files'),
      restart: !flag('no-restart'),
    };
    const end = await withProgress(client, 'restore', output, () =>
      client.call('restore', { udid, path: folder, options, ...(password !== undefined && { password }) }, { signal }),
    );
    output.done({ udid, path: folder, ...end }, restoreEndText(name, end));
  },
};
