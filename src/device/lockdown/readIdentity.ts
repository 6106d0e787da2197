import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import type { DeviceIdentity } from '../types';
import { LockdownClient } from './lockdownClient';

/**
 * What a device tells to every computer that it is connected to.
 * @throws AppError `restoreMode`, `deviceGone`, `unexpectedReply`, `timedOut` …
 */
export async function readIdentity(
  mux: UsbmuxClient,
  deviceId: number,
  { log, signal }: { readonly log: Log; readonly signal?: AbortSignal | undefined },
): Promise<DeviceIdentity> {
  await using lockdown = await LockdownClient.open(mux, deviceId, log, signal);
  return await readIdentityFrom(lockdown, signal);
}

/** The same, over a connection that is open; with or without a session. */
export async function readIdentityFrom(lockdown: LockdownClient, signal?: AbortSignal): Promise<DeviceIdentity> {
  const text = async (key: string): Promise<string | undefined> => {
    const value = await lockdown.getValue(undefined, key, signal);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const productType = await text('ProductType');
  const productVersion = await text('ProductVersion');
  if (productVersion === undefined)
    throw new AppError('unexpectedReply', 'the device does not tell its ProductVersion');
  const deviceClass = (await text('DeviceClass')) ?? classOf(productType);
  const buildVersion = await text('BuildVersion');
  return {
    name: (await text('DeviceName')) ?? deviceClass,
    deviceClass,
    productType: productType ?? deviceClass,
    productVersion,
    ...(buildVersion === undefined ? {} : { buildVersion }),
  };
}

/** `iPhone16,1` is an iPhone. */
function classOf(productType: string | undefined): string {
  return /^[A-Za-z]+/.exec(productType ?? '')?.[0] ?? 'iPhone';
}

/** Whether the system is older than iOS `major`. */
export function isBefore(identity: DeviceIdentity, major: number): boolean {
  return Number.parseInt(identity.productVersion, 10) < major;
}
