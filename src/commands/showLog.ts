import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';

/** This window's log, and on request the engine's, which is a file. */
export async function showLog(app: App): Promise<void> {
  app.log.show();
  const { logFile } = app.engine;
  if (!logFile) return;
  const open = t('Open the Engine’s Log');
  const answer = await vscode.window.showInformationMessage(
    t('Devices and backups are handled by a background process with a log of its own.'),
    open,
  );
  if (answer === open) await vscode.window.showTextDocument(vscode.Uri.file(logFile), { preview: true });
}
