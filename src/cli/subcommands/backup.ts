import path from 'node:path';
import { AppError } from '../../base/errors';
import { formatDateTime } from '../../texts/format';
import { UDID_OPTION, type Command } from '../command';
import { findDevice } from '../findDevice';
import { requiredOption } from '../requiredOption';
import { withProgress } from '../withProgress';

export const backup: Command = {
  summary: 'back up a device',
  options: {
    udid: UDID_OPTION,
    folder: { value: 'DIR', help: 'where backups are; this one lands in DIR/<UDID>' },
    'keep-last': { value: 'N', help: 'afterwards keep only the newest N backups of it; default: all' },
    'check-password': { help: 'check an encrypted backup with its password, a line on standard input' },
    full: { help: 'ask for everything again, not only for what has changed' },
  },
  help: [
    'The device may ask for its passcode. Ctrl-C ends it cleanly; what was copied is used the next time.',
    'The earlier backup stays as it is until the new one is complete.',
    'Files that the device itself cannot read are told; the backup is whole without them.',
    'A password that does not open the new backup is told, and does not make it a bad one.',
  ],
  async run(context) {
    const { engine, option, flag, output, secrets, signal } = context;
    const folder = path.resolve(requiredOption(context, 'folder'));
    const last = wholeNumber(option('keep-last'), 'keep-last');
    const client = await engine();
    const { udid } = await findDevice(client, option('udid'), signal);
    const password = flag('check-password') ? await secrets.read('Backup password') : undefined;
    const summary = await withProgress(client, 'backup', output, () =>
      client.call(
        'backUp',
        {
          udid,
          folder,
          ...(flag('full') && { full: true }),
          ...(password !== undefined && { password }),
          ...(last !== undefined && { keep: { last } }),
        },
        { signal },
      ),
    );
    for (const file of summary.notRead?.files ?? []) {
      output.event('notRead', file, `The device could not read ${file.path}: ${file.reason}`);
    }
    const when = summary.date ? ` of ${formatDateTime(summary.date)}` : '';
    const lock = summary.encrypted ? ', encrypted' : '';
    const opens = summary.passwordOpens;
    const checked = opens === undefined ? '' : opens ? '; the password opens it' : '; the password does not open it';
    output.done({ udid, backup: summary }, `Backup${when}${lock}${checked}: ${summary.path}`);
  },
};

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new AppError('wrongUsage', `--${name} is a whole number from 1 on`);
}
