import type { Command } from './command';
import { backup } from './subcommands/backup';
import { backups } from './subcommands/backups';
import { cancel } from './subcommands/cancel';
import { compare } from './subcommands/compare';
import { devices } from './subcommands/devices';
import { diagnostics } from './subcommands/diagnostics';
import { encryption } from './subcommands/encryption';
import { extract } from './subcommands/extract';
import { follow } from './subcommands/follow';
import { list } from './subcommands/list';
import { pair } from './subcommands/pair';
import { remove } from './subcommands/remove';
import { repair } from './subcommands/repair';
import { restore } from './subcommands/restore';
import { search } from './subcommands/search';
import { unpair } from './subcommands/unpair';
import { verify } from './subcommands/verify';
import { versions } from './subcommands/versions';

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
  repair,
  list,
  extract,
  search,
  compare,
  delete: remove,
  restore,
  diagnostics,
};
