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
    full: { help: 'ask for everything again, not only for what has changed' },
  },
  help: [
    'The device may ask for its passcode. Ctrl-C ends it cleanly; what was copied is used the next time.',
    'The earlier backup stays as it is until the new one is complete.',
  ],
  async run(context) {
    const { engine, option, flag, output, signal } = context;
    const folder = path.resolve(requiredOption(context, 'folder'));
    const last = wholeNumber(option('keep-last'), 'keep-last');
    const client = await engine();
    const { udid } = await findDevice(client, option('udid'), signal);
    const summary = await withProgress(client, 'backup', output, () =>
      client.call(
        'backUp',
        { udid, folder, ...(flag('full') && { full: true }), ...(last !== undefined && { keep: { last } }) },
        { signal },
      ),
    );
    const when = summary.date ? ` of ${formatDateTime(summary.date)}` : '';
    const lock = summary.encrypted ? ', encrypted' : '';
    output.done({ udid, backup: summary }, `Backup${when}${lock}: ${summary.path}`);
  },
};

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new AppError('wrongUsage', `--${name} is a whole number from 1 on`);
}
