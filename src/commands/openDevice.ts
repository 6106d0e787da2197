import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice } from './chooseDevice';

export async function openDevice(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseDevice(app, node);
  if (device) app.pages.open(device.udid);
}
