import { isAppError, isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import type { TrustState } from '../types';
import { loadPairRecord, openFirstSession, isStale } from './openSession';

/**
 * Whether this computer is paired with a device, found out by a session. Nothing appears on the device's screen.
 * @throws AppError when that cannot be found out: `deviceGone`, `deviceNotFound`, `muxAbsent`, `restoreMode`,
 * `timedOut`, `cancelled` …
 */
export async function checkTrust(
  mux: UsbmuxClient,
  udid: string,
  { log, signal }: { readonly log: Log; readonly signal?: AbortSignal | undefined },
): Promise<TrustState> {
  const { deviceId } = await mux.findDevice(udid, signal);
  try {
    const record = await loadPairRecord(mux, udid, signal);
    const { lockdown } = await openFirstSession({ mux, udid, deviceId, log }, record, signal);
    await lockdown.close();
    return { kind: 'trusted' };
  } catch (error) {
    const state = isCancellation(error) ? undefined : trustStateOf(error);
    if (!state) throw error;
    return state;
  }
}

/** The state that an error of a session or of pairing stands for; undefined for one that says nothing about trust. */
export function trustStateOf(error: unknown): TrustState | undefined {
  if (!isAppError(error)) return undefined;
  if (isStale(error)) return { kind: 'stale' };
  switch (error.code) {
    case 'notTrusted':
      return { kind: 'untrusted' };
    case 'trustPending':
      return { kind: 'waitingForTrust' };
    case 'deviceLocked':
      return { kind: 'locked' };
    case 'trustDenied':
      return { kind: 'denied' };
    case 'trustForbidden':
      return { kind: 'forbidden' };
    case 'wrongDeviceKey':
      return { kind: 'wrongKey' };
    case 'trustNeedsCable':
    case 'trustFailed':
    case 'tlsFailed': {
      const finding = error.details['finding'] === 'pairRecordNotKept' && { finding: 'pairRecordNotKept' as const };
      return { kind: 'failed', message: error.message, ...finding };
    }
    default:
      return undefined;
  }
}
