import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { AppError } from '../base/errors';
import type { DeviceInfo } from '../device/types';
import { modelName } from '../texts/deviceModels';
import type { TreeNode } from '../views/tree/nodes';

/**
 * The clicked device; else the only one that fits; else the one the person picks.
 * @returns undefined if the picker was closed: an answer, not an error.
 * @throws AppError `noDevice`
 */
export async function chooseDevice(
  app: App,
  node: TreeNode | undefined,
  fits: (device: DeviceInfo) => boolean = () => true,
): Promise<DeviceInfo | undefined> {
  const devices = app.engine.state?.devices ?? [];
  if (node?.kind === 'device') return devices.find(({ udid }) => udid === node.device.udid) ?? node.device;
  const fitting = devices.filter(fits);
  if (fitting.length === 0) throw new AppError('noDevice', `${devices.length} devices, none fits`);
  if (fitting.length === 1) return fitting[0];
  const picked = await vscode.window.showQuickPick(
    fitting.map((device) => ({
      label: deviceName(device),
      description: device.identity ? modelName(device.identity.productType) : '',
      detail: device.udid,
      device,
    })),
    { title: t('Choose a device'), matchOnDetail: true },
  );
  return picked?.device;
}

/** What a person calls it; the UDID until the device has told its name. */
export function deviceName(device: DeviceInfo): string {
  return device.identity?.name ?? device.udid;
}
