import { t } from '@vscode/l10n';
import type { App } from '../app/app';
import { withAbort } from '../app/withAbort';
import { isCancellation } from '../base/errors';
import type { DeviceInfo } from '../device/types';
import type { TreeNode } from '../views/tree/nodes';
import { chooseDevice, deviceName } from './chooseDevice';

export async function trustDevice(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseDevice(app, node, ({ trust: { kind } }) => kind !== 'trusted');
  if (device) await trust(app, device);
}

/** Waits until the person has answered on the device. @returns whether it trusts this computer now. */
export async function trust(app: App, device: DeviceInfo): Promise<boolean> {
  const title = t('Unlock {0}, tap Trust and enter its passcode', deviceName(device));
  return withAbort({ title, cancellable: true }, async (signal) => {
    try {
      await app.engine.call('pair', { udid: device.udid }, signal);
      return true;
    } catch (error) {
      if (isCancellation(error)) return false;
      throw error;
    }
  });
}
