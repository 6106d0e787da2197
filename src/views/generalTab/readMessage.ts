import { AppError } from '../../base/errors';
import { RESULT_COMMANDS, type FromPage, type PasswordChange } from './protocol';

const PLAIN = [
  'ready',
  'trust',
  'cancelTrust',
  'showMuxHelp',
  'reconnect',
  'backUpNow',
  'dismissReminder',
  'manageBackups',
  'restore',
  'openBackup',
  'chooseFolder',
  'forgotPassword',
  'tryRemembered',
  'showLog',
] as const;
const CHANGES: readonly PasswordChange[] = ['on', 'change', 'off'];
/** Longer than any password or serial number that a person types or copies. */
const MAX_TEXT = 4096;
const MAX_HOURS = 24 * 31;

/** A message of the page, looked at field by field. @throws AppError `notAllowed` for anything else. */
export function readMessage(message: unknown): FromPage {
  if (typeof message !== 'object' || message === null) throw refused('no object');
  const fields = message as Readonly<Record<string, unknown>>;
  const type = fields['type'];
  const plain = PLAIN.find((one) => one === type);
  if (plain) return { type: plain };
  switch (type) {
    case 'cancelJob':
    case 'dismissJob':
      return { type, jobId: text(fields, 'jobId') };
    case 'setCloud':
    case 'setWifi':
    case 'setAutomatic':
      return { type, on: flag(fields, 'on') };
    case 'setAutomaticHours': {
      const hours = fields['hours'];
      if (typeof hours !== 'number' || !Number.isInteger(hours) || hours < 1 || hours > MAX_HOURS) {
        throw refused('hours');
      }
      return { type, hours };
    }
    case 'copy':
      return { type, text: text(fields, 'text') };
    case 'askPassword':
      return { type, change: oneOf(fields, 'change', CHANGES) };
    case 'takeStep':
      return { type, command: oneOf(fields, 'command', RESULT_COMMANDS) };
    case 'password':
      return {
        type,
        change: oneOf(fields, 'change', CHANGES),
        oldPassword: text(fields, 'oldPassword'),
        newPassword: text(fields, 'newPassword'),
        remember: flag(fields, 'remember'),
      };
    default:
      throw refused('unknown type');
  }
}

function oneOf<T extends string>(fields: Readonly<Record<string, unknown>>, name: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === fields[name]);
  if (found === undefined) throw refused(name);
  return found;
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw refused(name);
  return value;
}

function flag(fields: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw refused(name);
  return value;
}

/** Never repeats what was in it: it could be a password. */
function refused(what: string): AppError {
  return new AppError('notAllowed', `a message of the page was refused: ${what}`);
}
