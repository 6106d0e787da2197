import { AppError, isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import type { DeviceIdentity } from '../types';
import { isPlistError } from '../../plist';
import { LockdownClient } from './lockdownClient';
import { lockdownErrorName } from './lockdownError';
import { decodePairRecord, type PairRecord } from './pairRecord';
import { isBefore, readIdentityFrom } from './readIdentity';
import { SessionKeys } from './sessionKeys';

/** Before iOS 10, devices may speak only TLS 1.0. */
const FIRST_MODERN_TLS = 10;

export interface SessionTarget {
  readonly mux: UsbmuxClient;
  readonly udid: string;
  readonly deviceId: number;
  readonly log: Log;
}

/**
 * The record that this computer's usbmuxd keeps for a device; whichever program has made it.
 * @throws AppError `notTrusted` if there is none, `trustStale` if it cannot be used.
 */
export async function loadPairRecord(mux: UsbmuxClient, udid: string, signal?: AbortSignal): Promise<PairRecord> {
  const file = await mux.readPairRecord(udid, signal);
  if (!file) throw new AppError('notTrusted', `there is no pair record for ${udid}`);
  try {
    return decodePairRecord(file);
  } catch (error) {
    if (!isPlistError(error)) throw error;
    throw new AppError('trustStale', `the pair record for ${udid} cannot be used: ${error.message}`, { cause: error });
  }
}

/**
 * Opens lockdown and starts a session with the device that a record belongs to.
 * @throws AppError `trustStale` if the device does not accept the record, `wrongDeviceKey` if it is not the device that
 * the record belongs to.
 */
export async function openSession(
  target: SessionTarget,
  keys: SessionKeys,
  signal?: AbortSignal,
): Promise<LockdownClient> {
  const { mux, deviceId, log } = target;
  const lockdown = await LockdownClient.open(mux, deviceId, log, signal);
  try {
    await lockdown.startSession(keys, signal);
    return lockdown;
  } catch (error) {
    await lockdown.close();
    throw error;
  }
}

export interface FirstSession {
  readonly lockdown: LockdownClient;
  readonly keys: SessionKeys;
  readonly identity: DeviceIdentity;
}

/**
 * The first session with a device: finds out which TLS it speaks, and makes sure that device and record go together.
 *
 * A device that has other certificates of ours than we have breaks off the handshake. So does a bad cable: it is tried
 * twice before the record is called stale.
 * @throws AppError as openSession().
 */
export async function openFirstSession(
  target: SessionTarget,
  record: PairRecord,
  signal?: AbortSignal,
): Promise<FirstSession> {
  const keys = new SessionKeys(record);
  try {
    return await tryFirstSession(target, keys, signal);
  } catch (error) {
    if (!isAppError(error, 'tlsFailed')) throw error;
    target.log.info(`device ${target.udid}: ${error.message}; trying again`);
    await checkStillThere(target, error, signal);
    if (await speaksOldTls(target, signal)) keys.allowLegacyTls();
  }
  try {
    return await tryFirstSession(target, keys, signal);
  } catch (error) {
    if (!isAppError(error, 'tlsFailed')) throw error;
    await checkStillThere(target, error, signal);
    throw new AppError('trustStale', 'the device does not accept the certificates of the pair record', {
      cause: error,
    });
  }
}

async function tryFirstSession(target: SessionTarget, keys: SessionKeys, signal?: AbortSignal): Promise<FirstSession> {
  const lockdown = await openSession(target, keys, signal);
  try {
    const udid = await firstAnswer(lockdown, signal);
    if (udid !== undefined && udid !== target.udid) {
      throw new AppError(
        'wrongDeviceKey',
        `device ${target.deviceId} says that it is another device than ${target.udid}`,
      );
    }
    return { lockdown, keys, identity: await readIdentityFrom(lockdown, signal) };
  } catch (error) {
    await lockdown.close();
    throw error;
  }
}

/** With TLS 1.3 a device refuses our certificate only after our side of the handshake is done: by hanging up. */
async function firstAnswer(lockdown: LockdownClient, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const udid = await lockdown.getValue(undefined, 'UniqueDeviceID', signal);
    return typeof udid === 'string' ? udid : undefined;
  } catch (error) {
    if (!isAppError(error, 'deviceGone')) throw error;
    throw new AppError('tlsFailed', 'the device hung up right after the TLS handshake', { cause: error });
  }
}

/** @throws AppError `deviceGone` if usbmuxd does not list the connection any more. */
async function checkStillThere({ mux, deviceId }: SessionTarget, cause: Error, signal?: AbortSignal): Promise<void> {
  const devices = await mux.listDevices(signal);
  if (!devices.some((device) => device.deviceId === deviceId)) {
    throw new AppError('deviceGone', `device ${deviceId} was detached`, { cause });
  }
}

async function speaksOldTls({ mux, deviceId, log }: SessionTarget, signal?: AbortSignal): Promise<boolean> {
  await using lockdown = await LockdownClient.open(mux, deviceId, log, signal);
  return isBefore(await readIdentityFrom(lockdown, signal), FIRST_MODERN_TLS);
}

/** True for refusals that say: this record is of no use any more. */
export function isStale(error: unknown): boolean {
  return isAppError(error, 'trustStale') || lockdownErrorName(error) === 'InvalidHostID';
}
