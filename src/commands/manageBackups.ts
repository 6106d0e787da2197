import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';

/** Shows the Backups view, at the clicked device's backups. */
export async function manageBackups(app: App, node?: TreeNode): Promise<void> {
  const udid = node?.kind === 'device' ? node.device.udid : node?.kind === 'backedUpDevice' ? node.key : undefined;
  await app.backups.reveal(udid);
}
