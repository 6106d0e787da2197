import type { App } from '../app/app';
import type { DeviceDetails, DeviceInfo } from '../device/types';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice } from './chooseDevice';
import { trust } from './trustDevice';

/**
 * A device that trusts this computer and whose values are known: the clicked one, or the one the person picks, after the
 * trust dialog if need be.
 * @returns undefined if the person closed the picker or the dialog.
 * @throws AppError `noDevice`, or why it does not trust this computer.
 */
export async function chooseTrustedDevice(
  app: App,
  node: TreeNode | undefined,
): Promise<(DeviceInfo & { readonly details: DeviceDetails }) | undefined> {
  const device = await chooseDevice(app, node);
  if (!device) return undefined;
  if (device.trust.kind !== 'trusted' && !(await trust(app, device))) return undefined;
  // As it is now: another program may have changed it.
  const now = await app.engine.call('refreshDevice', { udid: device.udid });
  return now.details ? { ...now, details: now.details } : undefined;
}
