import { AppError } from '../../base/errors';
import type { EncryptionChange } from '../../engine/protocol';
import { UDID_OPTION, type Command, type CommandContext } from '../command';
import { findDevice } from '../findDevice';
import { withProgress } from '../withProgress';

export const encryption: Command = {
  summary: 'turn encryption of a device’s backups on or off, or change its password',
  operands: 'on|off|change',
  count: [1, 1],
  options: { udid: UDID_OPTION },
  help: [
    'Passwords are read from standard input, one line each, the old one first. The device asks for its passcode.',
    'A forgotten password cannot be recovered, and without it neither can the backups.',
  ],
  async run(context) {
    const { engine, operands, option, output, signal } = context;
    const kind = operands[0];
    if (kind !== 'on' && kind !== 'off' && kind !== 'change') {
      throw new AppError('wrongUsage', `“${kind}” is not on, off or change`);
    }
    const client = await engine();
    const { udid, identity } = await findDevice(client, option('udid'), signal);
    const change = await readChange(context, kind);
    await withProgress(client, 'encryption', output, () =>
      client.call('changeEncryption', { udid, change }, { signal }),
    );
    const now = kind === 'off' ? 'are not encrypted any more' : 'are encrypted with the new password';
    output.done({ udid, encrypted: kind !== 'off' }, `Backups of ${identity?.name ?? udid} ${now}.`);
  },
};

async function readChange({ secrets }: CommandContext, kind: EncryptionChange['kind']): Promise<EncryptionChange> {
  const old = () => secrets.read(kind === 'change' ? 'Old backup password' : 'Backup password');
  const fresh = () => secrets.readNew('New backup password');
  switch (kind) {
    case 'on':
      return { kind, newPassword: await fresh() };
    case 'off':
      return { kind, oldPassword: await old() };
    case 'change':
      return { kind, oldPassword: await old(), newPassword: await fresh() };
  }
}
