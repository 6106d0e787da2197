import { t } from '@vscode/l10n';
import type { RestoreFinding } from '../engine/protocol';
import { modelName } from './deviceModels';
import { formatBytes } from './format';
import { problem } from './problems';

/** What a check before a restore has found, with the next step. */
export function findingText({ id, stops, details }: RestoreFinding): string {
  return texts[id](details, stops);
}

const texts: Record<RestoreFinding['id'], (details: RestoreFinding['details'], stops: boolean) => string> = {
  backupUnfinished: () => t('The backup is not complete. Choose another version.'),
  backupDamaged: () => t('The backup is damaged. Check it to see what is lost, or choose another version.'),
  notTrusted: () => sentences('notTrusted'),
  locked: () => sentences('deviceLocked'),
  findMyOn: () => sentences('findMyOn'),
  versionTooOld: ({ deviceVersion = '?', backupVersion = '?' }, stops) =>
    stops
      ? t(
          'The device has version {0}, the backup is of version {1}. Update the device first.',
          deviceVersion,
          backupVersion,
        )
      : t(
          'The device has version {0}, the backup is of version {1}. That usually works; it is safer to update the device first.',
          deviceVersion,
          backupVersion,
        ),
  notEnoughRoom: ({ neededBytes, freeBytes, totalBytes }, stops) =>
    stops
      ? t('The backup has {0}, the device holds {1}. Choose a bigger device.', bytes(neededBytes), bytes(totalBytes))
      : t('The backup has {0}, {1} are free. What is replaced makes room too.', bytes(neededBytes), bytes(freeBytes)),
  otherKindOfDevice: ({ device = '', backup = '' }) =>
    t('The backup is of an {0}, the device is an {1}. Some of it does not fit.', model(backup), model(device)),
  otherDevice: ({ backup }) =>
    backup === undefined
      ? t('The backup is of another device. Keychain entries bound to that one are not restored.')
      : t('The backup is of another device, {0}. Keychain entries bound to that one are not restored.', backup),
  supervisionDiffers: ({ backup }) =>
    backup === true
      ? t('The backup is of a supervised device, this one is not. Ask who manages it for a device that fits.')
      : t('This device is supervised, the backup is of one that is not. Ask who manages it.'),
  lowBattery: ({ percent = '?' }) =>
    t('The battery has {0} % and is not charging. Connect the device to power first.', percent),
  passwordNeeded: () => sentences('passwordNeeded'),
  wrongPassword: () => sentences('wrongPassword'),
};

function sentences(code: Parameters<typeof problem>[0]): string {
  const { text, next } = problem(code);
  return `${text} ${next}`;
}

function bytes(value: string | number | boolean | undefined): string {
  return typeof value === 'number' ? formatBytes(value) : '?';
}

function model(productType: string | number | boolean): string {
  return modelName(String(productType));
}
