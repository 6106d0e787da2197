import type { PlistValue } from '../../plist';
import type { DeviceIdentity } from '../types';
import type { AbortableStream } from './plistChannel';

/** A paired device and one way to reach it. Sessions with its lockdown are opened and closed as they are needed. */
export interface TrustedDevice extends AsyncDisposable {
  readonly udid: string;
  /** As it was when the device was opened. */
  readonly identity: DeviceIdentity;
  readonly connection: 'usb' | 'network';
  /** usbmuxd's number for this connection. */
  readonly deviceId: number;
  /** Milliseconds of silence after which it is doubted that it is there; absent: the usual limits. */
  readonly silenceMs?: number;

  /**
   * A value, or without a key everything that the domain holds, as dictionary. Undefined when the device has none.
   * @param domain Undefined for the global domain.
   * @throws AppError `valueRefused`, `deviceGone`, `trustStale`, `timedOut`, `cancelled` …
   */
  getValue(domain: string | undefined, key?: string, signal?: AbortSignal): Promise<PlistValue | undefined>;

  /** @throws AppError `valueRefused` too. */
  setValue(domain: string | undefined, key: string, value: PlistValue, signal?: AbortSignal): Promise<void>;

  /**
   * Starts a service and connects to it; TLS, where the device wants it, is up, and the device's key checked.
   * @throws AppError `serviceUnavailable`, `deviceLocked`, `deviceNotUnlockedSinceStart`, `connectionRefused` too.
   */
  startService(name: string, options?: StartServiceOptions, signal?: AbortSignal): Promise<AbortableStream>;
}

export interface StartServiceOptions {
  /** Hands over the pair record's escrow bag, so that the service reaches the data of a locked device. */
  readonly escrow?: boolean;
}
