import { t } from '@vscode/l10n';
import type { Job, JobOutcome } from '../../engine/protocol';
import { formatBytes, formatDuration, formatNumber } from '../../texts/format';
import { notReadText } from '../../texts/notRead';
import { problem } from '../../texts/problems';
import { restoreEndText } from '../../texts/restoreEnd';
import { nextStep } from '../nextSteps';
import type { ResultState } from './protocol';

type Done = Extract<JobOutcome, { kind: 'done' }>;

/** How a job ended, and after a failure the one thing that helps. */
export function resultState(job: Job, platform: NodeJS.Platform | undefined): ResultState {
  const { outcome } = job;
  switch (outcome?.kind) {
    case 'failed':
      return failed(job, outcome, platform);
    case 'done':
      return { jobId: job.id, tone: 'good', ...doneTexts(job, outcome) };
    default:
      return {
        jobId: job.id,
        tone: 'plain',
        title: outcome?.by === 'device' ? t('Cancelled on the device') : t('Cancelled'),
        text:
          job.kind === 'backup'
            ? t('Earlier backups are unchanged. What was copied is kept, and used next time.')
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
  const step = nextStep(error.code, kind, platform);
  return {
    jobId: id,
    tone: 'bad',
    title: text,
    text: next,
    ...(step ? { action: { label: step.label(), command: step.command } } : {}),
  };
}

function doneTexts(
  { kind, name, progress: { bytes, files }, startedAt }: Job,
  { endedAt, backup, restore = {}, encryption }: Done,
): Pick<ResultState, 'title' | 'text'> {
  switch (kind) {
    case 'backup': {
      const took = formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
      const copied = t('{0} in {1} files were copied in {2}', formatBytes(bytes), formatNumber(files), took);
      const checked = backup?.notRead ? notReadText(backup.notRead.count) : checkedText(backup);
      const texts = [`${copied}.`, checked, passwordText(backup?.passwordOpens)].filter((text) => text !== '');
      return { title: t('{0} is backed up', name), text: texts.join(' ') };
    }
    case 'encryption':
      return encryptionTexts(name, encryption);
    case 'restore':
      return {
        title: t('{0} is restored', name),
        text: restoreEndText(name, restore),
      };
    default:
      return { title: t('Done'), text: '' };
  }
}

/** Which files there should be, an encrypted backup tells only to those who can open it. */
function checkedText(backup: Done['backup']): string {
  return backup?.encrypted && backup.passwordOpens !== true
    ? t('The device says that it is complete; whether every file is there can be checked with its password.')
    : t('Every file was checked to be there.');
}

function passwordText(opens: boolean | undefined): string {
  if (opens === undefined) return '';
  return opens
    ? t('The password opens it.')
    : t('The password that was at hand does not open it: the device has another one.');
}

/** An engine of an earlier version does not tell which change it was. */
function encryptionTexts(name: string, change: Done['encryption']): Pick<ResultState, 'title' | 'text'> {
  switch (change) {
    case 'on':
      return {
        title: t('Backups of {0} are encrypted now', name),
        text: t('Keep the password well: nobody can open or restore these backups without it.'),
      };
    case 'change':
      return {
        title: t('The backup password of {0} is changed', name),
        text: t('Earlier backups keep the password they were made with.'),
      };
    case 'off':
      return {
        title: t('Later backups of {0} are not encrypted', name),
        text: t('Earlier ones stay encrypted, with the password they were made with.'),
      };
    case undefined:
      return { title: t('The change of encryption is done'), text: t('The next backup uses it.') };
  }
}
