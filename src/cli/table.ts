import type { Command } from './command';
import { backup } from './commands/backup';
import { backups } from './commands/backups';
import { cancel } from './commands/cancel';
import { devices } from './commands/devices';
import { encryption } from './commands/encryption';
import { follow } from './commands/follow';
import { pair } from './commands/pair';
import { remove } from './commands/remove';
import { restore } from './commands/restore';
import { unpair } from './commands/unpair';
import { verify } from './commands/verify';
import { versions } from './commands/versions';

/** Every subcommand, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  devices,
  pair,
  unpair,
  backup,
  follow,
  cancel,
  encryption,
  backups,
  versions,
  verify,
  delete: remove,
  restore,
};
