import { AppError } from '../base/errors';
import type { DeviceInfo, MuxState } from '../device';
import type { EngineClient } from '../engine/client';
import type { EngineState } from '../engine/protocol';
import { waitForState } from './waitForState';

/** How long the service may take to be asked for the first time. */
const MUX_MS = 8000;
/** usbmuxd lists what is there at once. */
const FIRST_DEVICES_MS = 400;
/** How long a device may take to say who it is. */
const ANSWER_MS = 5000;
/** A device that was named may have been plugged in this very moment. */
const NAMED_MS = 3000;

/**
 * Every device, when each has said who it is, as far as it does so in time.
 * @throws AppError `muxAbsent`, `muxRefused`, `muxSilent`; `cancelled`.
 */
export async function knownDevices(client: EngineClient, signal: AbortSignal): Promise<readonly DeviceInfo[]> {
  await waitForState(client, ({ mux }) => mux.kind !== 'connecting', MUX_MS, signal);
  refuseWithoutMux(client.state.mux);
  await waitForState(client, ({ devices }) => devices.length > 0, FIRST_DEVICES_MS, signal);
  await waitForState(client, allAnswered, ANSWER_MS, signal);
  return client.state.devices;
}

/**
 * The device to work with.
 * @param udid In any spelling; undefined: the only one that is there.
 * @throws AppError `noDevice`, `severalDevices`, `deviceNotFound`; `muxAbsent` …
 */
export async function findDevice(
  client: EngineClient,
  udid: string | undefined,
  signal: AbortSignal,
): Promise<DeviceInfo> {
  const devices = await knownDevices(client, signal);
  if (udid === undefined) {
    const [only, another] = devices;
    if (!only) throw new AppError('noDevice', 'no device is connected');
    if (another) throw new AppError('severalDevices', `${devices.length} devices are connected; use --udid`);
    return only;
  }
  const named = (state: EngineState) => state.devices.find((device) => same(device.udid, udid));
  await waitForState(client, (state) => named(state) !== undefined, NAMED_MS, signal);
  await waitForState(client, allAnswered, ANSWER_MS, signal);
  const device = named(client.state);
  if (!device) throw new AppError('deviceNotFound', `device ${udid} is not connected`, { details: { udid } });
  return device;
}

function allAnswered({ devices }: EngineState): boolean {
  return devices.every(({ trust }) => trust.kind !== 'unknown');
}

/** With or without the dash, capital or small. */
export function same(one: string, other: string): boolean {
  const plain = (udid: string) => udid.replaceAll('-', '').toLowerCase();
  return plain(one) === plain(other);
}

function refuseWithoutMux(mux: MuxState): void {
  switch (mux.kind) {
    case 'ready':
      return;
    case 'connecting':
    case 'silent':
      throw new AppError('muxSilent', 'the service for devices does not answer');
    case 'absent':
      throw new AppError('muxAbsent', `nothing listens at ${mux.address}`);
    case 'refused':
      throw new AppError('muxRefused', `${mux.address} refuses the connection`);
  }
}
