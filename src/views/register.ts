import * as vscode from 'vscode';
import type { App } from '../app';
import { ContextKeys } from './contextKeys';
import { JobNotifications } from './jobNotifications';
import { StatusBar } from './statusBar';
import { BackupsTree } from './tree/backupsTree';
import { DevicesTree } from './tree/devicesTree';

export function registerViews(app: App): vscode.Disposable[] {
  const devices = new DevicesTree(app);
  const backups = new BackupsTree(app);
  return [
    devices,
    backups,
    vscode.window.createTreeView('iosBackup.devices', { treeDataProvider: devices }),
    vscode.window.createTreeView('iosBackup.backups', { treeDataProvider: backups, showCollapseAll: true }),
    new ContextKeys(app),
    new StatusBar(app),
    new JobNotifications(app),
  ];
}
