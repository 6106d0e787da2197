import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { toErrorData } from '../base/errors';
import type { Job } from '../engine/protocol';
import { problem } from '../texts/problems';
import { nextStep } from './nextSteps';

/** Says what went wrong and what to do next. @param job The one that failed, if it was one. */
export async function showProblem(app: App, error: unknown, job?: Job): Promise<void> {
  const { code, details } = toErrorData(error);
  const { text, next } = problem(code, details);
  const step = nextStep(code, job?.kind);
  const showLog = t('Show Log');
  const labels = [...(step && step.command !== 'iosBackup.showLog' ? [step.label()] : []), showLog];
  const choice = await vscode.window.showErrorMessage(`${text} ${next}`, ...labels);
  if (choice === showLog) app.log.show();
  else if (choice && step) {
    const device = app.engine.state?.devices.find(({ udid }) => udid === job?.udid);
    await vscode.commands.executeCommand(step.command, device && { kind: 'device', device });
  }
}
