import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { startBackup } from './startBackup';

/** Everything again, whatever the last backup holds. */
export async function fullBackup(app: App, node?: TreeNode): Promise<void> {
  await startBackup(app, node, { full: true });
}
