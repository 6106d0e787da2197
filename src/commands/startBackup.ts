import type { App } from '../app/app';
import { backUpDevice } from '../app/backUpDevice';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice } from './chooseDevice';
import { trust } from './trustDevice';

/**
 * Backs a device up, after the trust dialog if this computer is not trusted yet. Progress and the end are told by the
 * status bar, the tree and the page, in every window; this returns when the job has ended.
 */
export async function startBackup(
  app: App,
  node: TreeNode | undefined,
  { full }: { readonly full: boolean },
): Promise<void> {
  const device = await chooseDevice(app, node);
  if (!device) return;
  if (device.trust.kind !== 'trusted' && !(await trust(app, device))) return;
  await backUpDevice(app, device.udid, { full });
}
