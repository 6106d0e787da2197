import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app';
import { type ErrorCode, toErrorData } from '../base/errors';
import { problem } from '../texts/problems';

/** A button that takes the next step, for problems where a command of ours does it. */
const actions: Partial<Record<ErrorCode, { readonly label: () => string; readonly command: string }>> = {
  muxAbsent: { label: () => t('How to Start It'), command: 'iosBackup.showMuxHelp' },
  muxRefused: { label: () => t('Help with Connecting'), command: 'iosBackup.showMuxHelp' },
  muxSilent: { label: () => t('Help with Connecting'), command: 'iosBackup.showMuxHelp' },
  noDevice: { label: () => t('Help with Connecting'), command: 'iosBackup.showMuxHelp' },
  notTrusted: { label: () => t('Trust Device'), command: 'iosBackup.trustDevice' },
  trustStale: { label: () => t('Trust Device'), command: 'iosBackup.trustDevice' },
  hostDiskFull: { label: () => t('Choose Another Folder'), command: 'iosBackup.chooseFolder' },
  folderNotWritable: { label: () => t('Choose Another Folder'), command: 'iosBackup.chooseFolder' },
  folderOffline: { label: () => t('Choose Another Folder'), command: 'iosBackup.chooseFolder' },
};

/** Says what went wrong and what to do next. */
export async function showProblem(app: App, error: unknown): Promise<void> {
  const { code, details } = toErrorData(error);
  const { text, next } = problem(code, details);
  const action = actions[code];
  const showLog = t('Show Log');
  const labels = [...(action ? [action.label()] : []), showLog];
  const choice = await vscode.window.showErrorMessage(`${text} ${next}`, ...labels);
  if (choice === showLog) app.log.show();
  else if (choice && action) await vscode.commands.executeCommand(action.command);
}
