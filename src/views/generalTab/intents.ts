import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { backUpDevice } from '../../app/backUpDevice';
import { changeEncryption } from '../../app/changeEncryption';
import { cancelJob } from '../../app/cancelJob';
import type { TreeNode } from '../tree/nodes';
import { lastBackup } from './lastBackup';
import type { FromPage, PasswordChange } from './protocol';

/** Where an intent comes from. */
export interface IntentOrigin {
  readonly app: App;
  readonly udid: string;
  readonly page: {
    askPassword(change: PasswordChange): Promise<void>;
    helpWithPassword(): Promise<void>;
    tryRemembered(): Promise<void>;
  };
}

/** Carries out what a person did on a device's page. */
export async function act(origin: IntentOrigin, intent: FromPage): Promise<void> {
  const { app, udid, page } = origin;
  const { engine } = app;
  switch (intent.type) {
    case 'ready':
      break;
    case 'trust':
      await engine.call('pair', { udid });
      break;
    case 'cancelTrust':
      await endPairing(origin);
      break;
    case 'reconnect':
      engine.start();
      break;
    case 'backUpNow':
      await backUpDevice(app, udid);
      break;
    case 'cancelJob':
      await cancel(app, intent.jobId);
      break;
    case 'dismissJob':
      await dismissEnded(origin);
      break;
    case 'dismissReminder':
      await app.reminders.dismiss(udid);
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
    case 'askPassword':
      await page.askPassword(intent.change);
      break;
    case 'forgotPassword':
      await page.helpWithPassword();
      break;
    case 'tryRemembered':
      await page.tryRemembered();
      break;
    case 'password':
      await changeEncryption(app, udid, intent);
      break;
    case 'copy':
      await vscode.env.clipboard.writeText(intent.text);
      break;
    case 'openBackup': {
      const backup = lastBackup({ engine: engine.state, udid });
      if (backup) await run('iosBackup.openBackup', { kind: 'backup', backup });
      break;
    }
    case 'takeStep':
      await run(intent.command, deviceNode(origin));
      break;
    case 'showMuxHelp':
    case 'chooseFolder':
    case 'showLog':
    case 'restore':
      await run(`iosBackup.${intent.type}`, deviceNode(origin));
      break;
    case 'manageBackups':
      await run('iosBackup.manageBackups', deviceNode(origin) ?? backedUpNode(origin));
      break;
  }
}

async function endPairing({ app: { engine }, udid }: IntentOrigin): Promise<void> {
  for (const { id, kind, udid: device, outcome } of engine.state?.jobs ?? []) {
    if (kind === 'pair' && device === udid && !outcome) await engine.call('cancelJob', { jobId: id });
  }
}

/** All of this device's: behind the last result there is no older one that would appear instead. */
async function dismissEnded({ app: { engine }, udid }: IntentOrigin): Promise<void> {
  const ended = (engine.state?.jobs ?? []).filter((job) => job.udid === udid && job.outcome);
  await Promise.all(ended.map(({ id }) => engine.call('dismissJob', { jobId: id })));
}

async function run(command: string, node: TreeNode | undefined): Promise<void> {
  await vscode.commands.executeCommand(command, node);
}

function deviceNode({ app, udid }: IntentOrigin): TreeNode | undefined {
  const device = app.engine.state?.devices.find((one) => one.udid === udid);
  return device && { kind: 'device', device };
}

/** For a device that is away. */
function backedUpNode({ app, udid }: IntentOrigin): TreeNode | undefined {
  const backups = (app.engine.state?.catalogue.backups ?? []).filter((backup) => backup.udid === udid);
  return backups.length > 0 ? { kind: 'backedUpDevice', key: udid, name: udid, backups } : undefined;
}

async function cancel(app: App, jobId: string): Promise<void> {
  const job = app.engine.state?.jobs.find(({ id }) => id === jobId);
  if (job) await cancelJob(app, job);
}
