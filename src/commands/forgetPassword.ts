import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';

/** Forgets the remembered passwords of a device. Backups and the device keep theirs. */
export async function forgetPassword(app: App, node?: TreeNode): Promise<void> {
  const udid = node?.kind === 'device' ? node.device.udid : await chooseRemembered(app);
  if (udid === undefined) return;
  const name = nameOf(app, udid);
  if ((await app.passwords.candidates(udid)).length === 0 || !app.passwords.devices().includes(udid)) {
    await vscode.window.showInformationMessage(t('No password of {0} is remembered.', name));
    return;
  }
  const forget = t('Forget');
  const answer = await vscode.window.showWarningMessage(
    t('Forget the remembered passwords of {0}?', name),
    { modal: true, detail: t('The backups keep their passwords. Without them nobody can open or restore them.') },
    forget,
  );
  if (answer !== forget) return;
  await app.passwords.forget(udid);
  await vscode.window.showInformationMessage(t('The passwords of {0} are forgotten.', name));
}

async function chooseRemembered(app: App): Promise<string | undefined> {
  const udids = app.passwords.devices();
  if (udids.length === 0) {
    await vscode.window.showInformationMessage(t('No password is remembered.'));
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    udids.map((udid) => ({ label: nameOf(app, udid), detail: udid, udid })),
    { title: t('Forget the passwords of which device?') },
  );
  return picked?.udid;
}

function nameOf({ engine }: App, udid: string): string {
  const { devices = [], catalogue } = engine.state ?? {};
  return (
    devices.find((one) => one.udid === udid)?.identity?.name ??
    catalogue?.backups.find((backup) => backup.udid === udid)?.deviceName ??
    udid
  );
}
