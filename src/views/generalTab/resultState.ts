import { t } from '@vscode/l10n';
import type { DeviceDetails } from '../../device/types';
import type { Job, JobOutcome } from '../../engine/protocol';
import { formatBytes, formatDuration, formatNumber } from '../../texts/format';
import { problem } from '../../texts/problems';
import { restoreEndText } from '../../texts/restoreEnd';
import { nextStep } from '../nextSteps';
import type { ResultState } from './protocol';

/** How a job ended, and after a failure the one thing that helps. */
export function resultState(
  job: Job,
  details: DeviceDetails | undefined,
  platform: NodeJS.Platform | undefined,
): ResultState {
  const { outcome } = job;
  switch (outcome?.kind) {
    case 'failed':
      return failed(job, outcome, platform);
    case 'done':
      return { jobId: job.id, tone: 'good', ...doneTexts(job, outcome, details) };
    default:
      return {
        jobId: job.id,
        tone: 'plain',
        title: outcome?.by === 'device' ? t('Cancelled on the device') : t('Cancelled'),
        text:
          job.kind === 'backup'
            ? t('The last backup is unchanged. What was copied is kept, and used next time.')
            : job.kind === 'restore'
              ? t('If the device is not as it was, restore it once more. The backup is unchanged.')
              : t('Nothing was changed.'),
      };
  }
}

function failed(
  { id, kind }: Job,
  { error }: Extract<JobOutcome, { kind: 'failed' }>,
  platform: NodeJS.Platform | undefined,
): ResultState {
  const { text, next } = problem(error.code, error.details, platform);
  const step = nextStep(error.code, kind);
  return {
    jobId: id,
    tone: 'bad',
    title: text,
    text: next,
    ...(step ? { action: { label: step.label(), command: step.command } } : {}),
  };
}

function doneTexts(
  { kind, name, progress: { bytes, files, warnings }, startedAt }: Job,
  { endedAt, restore = {} }: Extract<JobOutcome, { kind: 'done' }>,
  details: DeviceDetails | undefined,
): Pick<ResultState, 'title' | 'text'> {
  switch (kind) {
    case 'backup': {
      const took = formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
      const copied = t('{0} in {1} files were copied in {2}', formatBytes(bytes), formatNumber(files), took);
      const checked =
        warnings > 0
          ? t('{0} files could not be read on the device; the log names them.', formatNumber(warnings))
          : t('Every file was checked to be there.');
      return { title: t('{0} is backed up', name), text: `${copied}. ${checked}` };
    }
    case 'encryption':
      if (details?.backup.willEncrypt === true) {
        return {
          title: t('Backups of {0} are encrypted with the password you chose', name),
          text: t('Keep it well: earlier backups keep the password they were made with.'),
        };
      }
      if (details?.backup.willEncrypt === false) {
        return {
          title: t('Later backups of {0} are not encrypted', name),
          text: t('Earlier ones stay encrypted, with the password they were made with.'),
        };
      }
      return { title: t('The change of encryption is done'), text: t('The next backup uses it.') };
    case 'restore':
      return {
        title: t('{0} is restored', name),
        text: restoreEndText(name, restore),
      };
    default:
      return { title: t('Done'), text: '' };
  }
}
