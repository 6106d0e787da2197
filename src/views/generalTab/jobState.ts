import { t } from '@vscode/l10n';
import type { Job } from '../../engine/protocol';
import { formatBytes, formatDuration, formatNumber, formatPercent, formatRate } from '../../texts/format';
import { jobTitle } from '../../texts/jobs';
import { stageText } from '../../texts/stages';
import type { JobState } from './protocol';

/** An iPhone waits about this long for its passcode, then gives up. */
const PASSCODE_PATIENCE_MS = 180_000;
/** A device with many photos says nothing for minutes while it prepares: then the page says that this is usual. */
const LONG_SILENCE_MS = 20_000;

export function jobState(job: Job, now: number): JobState {
  const { progress, owner } = job;
  const { stage, fraction, bytes, files, bytesPerSecond, warnings } = progress;
  const inStage = Math.max(0, now - Date.parse(progress.stageSince));
  return {
    id: job.id,
    title: jobTitle(job),
    stage:
      stage === 'preparing' && inStage > LONG_SILENCE_MS
        ? t('{0} for {1}. This can take several minutes with many photos.', stageText(stage), formatDuration(inStage))
        : stageText(stage),
    ...(fraction === undefined ? {} : { fraction }),
    facts: [
      fraction === undefined ? '' : formatPercent(fraction),
      bytes > 0 ? formatBytes(bytes) : '',
      files > 0 ? t('{0} files', formatNumber(files)) : '',
      bytesPerSecond > 0 ? formatRate(bytesPerSecond) : '',
      formatDuration(now - Date.parse(job.startedAt)),
      warnings > 0 ? t('{0} warnings', formatNumber(warnings)) : '',
      owner.name === 'VS Code' ? '' : t('started by {0}', owner.name),
    ].filter((fact) => fact !== ''),
    canCancel: stage !== 'cancelling' && stage !== 'committing' && stage !== 'restarting',
    ...(stage === 'waitingForPasscode' ? { passcode: passcodeState(job.name, PASSCODE_PATIENCE_MS - inStage) } : {}),
  };
}

function passcodeState(name: string, leftMs: number): NonNullable<JobState['passcode']> {
  return {
    title: t('Enter the passcode on {0}', name),
    text:
      leftMs > 0
        ? t('It asks before every backup and every change of the password. {0} left.', formatDuration(leftMs))
        : t('It asks before every backup and every change of the password. It will give up soon.'),
  };
}
