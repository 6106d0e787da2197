import { t } from '@vscode/l10n';
import type { DeviceDetails } from '../../device/types';
import { problem } from '../../texts/problems';
import { choiceState } from './choiceState';
import { folderState } from './folderState';
import type { PageFacts } from './pageFacts';
import type { PlaceState } from './protocol';

/** Where backups go, and whether they are encrypted: what the device says now. */
export function placeState(facts: PageFacts, { backup, supervised }: DeviceDetails, busy: boolean): PlaceState {
  const cloudOn = backup.cloudBackupEnabled;
  const warning = folderWarning(facts);
  const cloudLocked =
    cloudOn !== undefined
      ? undefined
      : supervised
        ? t('This device, or whoever manages it, does not allow the choice here. Backing up to this computer works.')
        : t('This device does not tell this setting: see Settings › your name › iCloud. Backing up here works.');
  return {
    busy,
    cloud: choiceState(
      cloudOn === true,
      t('The most important data, when the device is locked, on power and on Wi-Fi.'),
      undefined,
    ),
    computer: choiceState(
      cloudOn !== true,
      t('All of its data, kept on this computer. Back Up Now does this, whatever is chosen here.'),
      undefined,
    ),
    ...(cloudLocked ? { cloudLocked } : {}),
    folder: { text: facts.folder, ...(warning ? { warning } : {}) },
    encryption: {
      ...choiceState(
        backup.willEncrypt,
        backup.requiresEncryption && !backup.willEncrypt
          ? t(
              'Whoever manages this device requires encrypted backups. Turn this on, with a password that you will not lose.',
            )
          : t(
              'Also keeps saved passwords, Health, HomeKit, Wi-Fi settings, call history and website history. Nobody can open it without its password, you included.',
            ),
        backup.requiresEncryption && backup.willEncrypt
          ? t('Whoever manages this device requires encrypted backups.')
          : undefined,
      ),
      canChangePassword: backup.willEncrypt && !busy,
    },
  };
}

function folderWarning(facts: PageFacts): string | undefined {
  switch (folderState(facts)?.state) {
    case 'offline':
      return t('Its disk is not connected. Connect it, or choose another folder.');
    case 'noPermission':
      return problem('noPermission', {}, facts.platform).text;
    case 'error':
      return t('The folder cannot be read.');
    case 'missing': // It is made by the first backup.
    case 'ready':
    case undefined:
      return undefined;
  }
}
