import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { MuxDevice } from '../usbmux/muxDevice';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import { LockdownClient } from './lockdownClient';
import { isStale, loadPairRecord, openSession } from './openSession';
import { sharedPartOf, type PairRecord } from './pairRecord';
import { SessionKeys } from './sessionKeys';

export interface Unpaired {
  /** False if the device was not there, or had forgotten this computer already. */
  readonly deviceTold: boolean;
  /** False if this computer had no pair record. */
  readonly recordDeleted: boolean;
}

/**
 * Ends the trust between a device and this computer, on both sides as far as they can be reached. The pair record is
 * that of all programs on this computer: Finder and the like are strangers to the device too, afterwards.
 * @throws AppError `muxAbsent` …, `cancelled`, or what the device answers instead of obeying; the record is kept then.
 */
export async function unpairDevice(
  mux: UsbmuxClient,
  udid: string,
  { log, signal }: { readonly log: Log; readonly signal?: AbortSignal | undefined },
): Promise<Unpaired> {
  const deviceTold = await tellDevice(mux, udid, log, signal);
  const recordDeleted = await mux.deletePairRecord(udid, signal);
  log.info(`device ${udid} is forgotten`);
  return { deviceTold, recordDeleted };
}

async function tellDevice(
  mux: UsbmuxClient,
  udid: string,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const device = await mux.findDevice(udid, signal);
    const record = await loadPairRecord(mux, udid, signal);
    await using lockdown = await openForUnpair(mux, device, record, log, signal);
    await lockdown.request('Unpair', { ProtocolVersion: '2', PairRecord: sharedPartOf(record) }, signal);
    return true;
  } catch (error) {
    const nobodyToTell =
      isAppError(error, 'noDevice') || isAppError(error, 'deviceNotFound') || isAppError(error, 'notTrusted');
    // A stranger that answers for the device must not keep us from forgetting it.
    if (nobodyToTell || isStale(error) || isAppError(error, 'wrongDeviceKey')) return false;
    throw error;
  }
}

/** Over Wi-Fi, the device obeys only inside a session. */
async function openForUnpair(
  mux: UsbmuxClient,
  { deviceId, connection, udid }: MuxDevice,
  record: PairRecord,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<LockdownClient> {
  if (connection === 'usb') return LockdownClient.open(mux, deviceId, log, signal);
  return openSession({ mux, udid, deviceId, log }, new SessionKeys(record), signal);
}
