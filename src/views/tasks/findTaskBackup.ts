import path from 'node:path';
import { t } from '@vscode/l10n';
import type { BackupSummary } from '../../backups/types';
import type { ExtractTask } from './extractTask';
import { TaskProblem } from './taskProblem';

/**
 * The backup that a task means, of those that are listed: no task opens a folder that the person's own settings do not
 * name.
 * @param backups Newest first.
 * @throws TaskProblem if there is none, or if it could be one of several devices
 */
export function findTaskBackup(
  backups: readonly BackupSummary[],
  { device, backup }: Pick<ExtractTask, 'device' | 'backup'>,
): BackupSummary {
  const ofDevice = backups.filter(
    ({ udid, deviceName }) =>
      device === undefined || deviceName === device || udid?.toLowerCase() === device.toLowerCase(),
  );
  const fitting = ofDevice.filter((one) =>
    backup === undefined
      ? one.state === 'finished' && one.role !== 'other'
      : one.label === backup || path.basename(one.path) === backup || one.path === path.normalize(backup),
  );
  const [newest] = fitting;
  if (!newest) {
    if (backup !== undefined) throw new TaskProblem(t('No listed backup is called “{0}”.', backup));
    throw new TaskProblem(
      device === undefined ? t('There is no finished backup.') : t('There is no finished backup of “{0}”.', device),
    );
  }
  if (fitting.some(({ udid }) => udid !== newest.udid))
    throw new TaskProblem(t('There are such backups of several devices: say in “device” which one, by its UDID.'));
  return newest;
}
