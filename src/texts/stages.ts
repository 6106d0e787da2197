import { t } from '@vscode/l10n';
import type { JobStage } from '../engine/protocol';

const texts: Record<JobStage, () => string> = {
  starting: () => t('Connecting'),
  waitingForLock: () => t('Waiting for another program to finish with the device'),
  readingApps: () => t('Reading the list of apps'),
  waitingForPasscode: () => t('Enter the passcode on the device'),
  preparing: () => t('The device is preparing'),
  seeding: () => t('Preparing the folder'),
  receiving: () => t('Copying files'),
  sending: () => t('Sending files'),
  moving: () => t('Putting files in place'),
  removing: () => t('Removing old files'),
  checking: () => t('Checking the backup'),
  committing: () => t('Finishing'),
  restarting: () => t('The device is restarting'),
  cancelling: () => t('Cancelling'),
  working: () => t('Working'),
};

/** What is going on now, in words. */
export function stageText(stage: JobStage): string {
  return texts[stage]();
}
