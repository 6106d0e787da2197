import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { Job } from '../engine/protocol';
import { stageText } from '../texts/stages';
import type { TreeNode } from '../views/tree/nodes';

/** The clicked device's running job; else the only one; else the one the person picks; undefined if there is none. */
export async function chooseJob(app: App, node: TreeNode | undefined): Promise<Job | undefined> {
  const running = (app.engine.state?.jobs ?? []).filter(({ outcome }) => !outcome);
  if (node?.kind === 'device') return running.find(({ udid }) => udid === node.device.udid);
  if (running.length < 2) return running[0];
  const picked = await vscode.window.showQuickPick(
    running.map((job) => ({ label: job.name, description: stageText(job.progress.stage), job })),
    { title: t('Choose what is running') },
  );
  return picked?.job;
}
