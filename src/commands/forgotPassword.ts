import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice } from './chooseDevice';

/** What to try when nobody knows the password of the backups: a dialog on the device's page. */
export async function forgotPassword(app: App, node?: TreeNode): Promise<void> {
  const udid = node?.kind === 'backedUpDevice' ? node.backups[0]?.udid : (await chooseDevice(app, node))?.udid;
  if (udid !== undefined) await app.pages.helpWithPassword(udid);
}
