import * as vscode from 'vscode';
import type { App } from '../../app';
import { changeEncryption } from '../../changeEncryption';
import { settings } from '../../settings';
import type { TreeNode } from '../tree/nodes';
import type { FromPage } from './protocol';

/** Carries out what a person did on a device's page. */
export async function act(
  app: App,
  udid: string,
  intent: FromPage,
  askPassword: (change: 'on' | 'change' | 'off') => void,
): Promise<void> {
  const { engine } = app;
  const device = engine.state?.devices.find((one) => one.udid === udid);
  const node: TreeNode | undefined = device && { kind: 'device', device };
  const command = (name: string) => vscode.commands.executeCommand(`iosBackup.${name}`, node);
  switch (intent.type) {
    case 'ready':
      break;
    case 'trust':
      await engine.call('pair', { udid });
      break;
    case 'cancelTrust':
      for (const { id, kind, outcome } of engine.state?.jobs ?? []) {
        if (kind === 'pair' && !outcome) await engine.call('cancelJob', { jobId: id });
      }
      break;
    case 'backUpNow':
      await engine.call('backUp', { udid, folder: settings().folderFor(udid) });
      break;
    case 'cancelJob':
      await engine.call('cancelJob', { jobId: intent.jobId });
      break;
    case 'dismissJob':
      await engine.call('dismissJob', { jobId: intent.jobId });
      break;
    case 'setCloud':
      await engine.call('setCloudBackup', { udid, on: intent.on });
      break;
    case 'setWifi':
      await engine.call('setWifiConnections', { udid, on: intent.on });
      break;
    case 'setAutomatic':
      await app.automatic.set(udid, { on: intent.on });
      break;
    case 'setAutomaticHours':
      await app.automatic.set(udid, { everyHours: intent.hours });
      break;
    case 'setEncryption':
      askPassword(intent.on ? 'on' : 'off');
      break;
    case 'changePassword':
      askPassword('change');
      break;
    case 'password':
      await changeEncryption(app, udid, intent);
      break;
    case 'copy':
      await vscode.env.clipboard.writeText(intent.text);
      break;
    case 'showMuxHelp':
    case 'chooseFolder':
    case 'showLog':
    case 'forgotPassword':
    case 'manageBackups':
    case 'openBackup':
    case 'restore':
      await command(intent.type);
      break;
  }
}
