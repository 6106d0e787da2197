import { t } from '@vscode/l10n';
import type { ErrorCode } from '../base/errors';
import type { JobKind } from '../engine/protocol';
import type { ResultCommand } from './generalTab/protocol';

/** A button that takes the next step after a problem. */
export interface NextStep {
  readonly label: () => string;
  /** Needs nothing but the device. */
  readonly command: ResultCommand;
}

const help: NextStep = { label: () => t('Help with Connecting'), command: 'iosBackup.showMuxHelp' };
const trust: NextStep = { label: () => t('Trust Device'), command: 'iosBackup.trustDevice' };
const folder: NextStep = { label: () => t('Choose Another Folder'), command: 'iosBackup.chooseFolder' };
const again: NextStep = { label: () => t('Back Up Again'), command: 'iosBackup.backUpNow' };
const full: NextStep = { label: () => t('Make a Full Backup'), command: 'iosBackup.fullBackup' };
const forgotten: NextStep = { label: () => t('I Do Not Know It'), command: 'iosBackup.forgotPassword' };
const access: NextStep = { label: () => t('Open System Settings'), command: 'iosBackup.allowAccess' };
const log: NextStep = { label: () => t('Show Log'), command: 'iosBackup.showLog' };

const always: Partial<Record<ErrorCode, NextStep>> = {
  muxAbsent: help,
  muxRefused: help,
  muxSilent: help,
  noDevice: help,
  notTrusted: trust,
  trustStale: trust,
  hostDiskFull: folder,
  folderMissing: folder,
  folderOffline: folder,
  folderNotWritable: folder,
  nameNotPossible: folder,
  fileTooLarge: folder,
  previousBackupUnreadable: full,
  unexpected: log,
  unexpectedReply: log,
  engineUnavailable: log,
};
const afterBackup: Partial<Record<ErrorCode, NextStep>> = {
  passcodeNotEntered: again,
  deviceGone: again,
  deviceBusy: again,
  deviceStopped: again,
  backupIncomplete: again,
  uploadFailed: again,
  timedOut: again,
  engineGone: again,
};
const afterEncryption: Partial<Record<ErrorCode, NextStep>> = { wrongPassword: forgotten, passwordNeeded: forgotten };

/**
 * The step for a code; undefined where only the person can take it.
 * @param kind Of the job that failed.
 * @param platform Of the computer with the cable.
 */
export function nextStep(
  code: ErrorCode,
  kind?: JobKind,
  platform: NodeJS.Platform = process.platform,
): NextStep | undefined {
  if (code === 'noPermission') return platform === 'darwin' ? access : folder;
  if (kind === 'backup' && afterBackup[code]) return afterBackup[code];
  if (kind === 'encryption' && afterEncryption[code]) return afterEncryption[code];
  return always[code];
}
