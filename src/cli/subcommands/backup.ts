import path from 'node:path';
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
    full: { help: 'ask for everything again, not only for what has changed' },
  },
  help: [
    'The device may ask for its passcode. Ctrl-C ends it cleanly; what was copied is used the next time.',
    'The earlier backup stays as it is until the new one is complete.',
  ],
  async run(context) {
    const { engine, option, flag, output, signal } = context;
    const folder = path.resolve(requiredOption(context, 'folder'));
    const client = await engine();
    const { udid } = await findDevice(client, option('udid'), signal);
    const summary = await withProgress(client, 'backup', output, () =>
      client.call('backUp', { udid, folder, ...(flag('full') && { full: true }) }, { signal }),
    );
    const when = summary.date ? ` of ${formatDateTime(summary.date)}` : '';
    const lock = summary.encrypted ? ', encrypted' : '';
    output.done({ udid, backup: summary }, `Backup${when}${lock}: ${summary.path}`);
  },
};
