import * as vscode from 'vscode';
import type { App } from '../app/app';
import { ContextKeys } from './contextKeys';
import { JobNotifications } from './jobNotifications';
import { showReminders } from './reminderNotifications';
import { StatusBar } from './statusBar';
import { DevicesTree } from './tree/devicesTree';
import { BackupProblems } from './verify/backupProblems';
import { registerReportDocuments } from './verify/reportDocuments';

/** Views that nobody else needs to know. */
export function registerViews(app: App): vscode.Disposable[] {
  const devices = new DevicesTree(app);
  return [
    devices,
    vscode.window.createTreeView('iosBackup.devices', { treeDataProvider: devices }),
    new ContextKeys(app),
    new StatusBar(app),
    new JobNotifications(app),
    showReminders(app),
    new BackupProblems(app.engine),
    registerReportDocuments(),
  ];
}
