import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { startBackup } from './startBackup';

export async function backUpNow(app: App, node?: TreeNode): Promise<void> {
  await startBackup(app, node, { full: false });
}
