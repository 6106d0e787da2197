import os from 'node:os';
import { delay, throwIfAborted } from '../../base/abort';
import { AppError, isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { dict, type PlistDict } from '../../plist';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import type { TrustState } from '../types';
import { makePairCertificates } from './certificates';
import { hostIdOf } from './hostId';
import { LockdownClient } from './lockdownClient';
import { isStale, loadPairRecord, openFirstSession, type SessionTarget } from './openSession';
import { encodePairRecord, sharedPartOf, type PairRecord } from './pairRecord';

const POLL_MS = 1_000;

export interface PairOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Told at each change: `locked` and `waitingForTrust` while the user has something to do, `trusted` at the end. */
  onState?(state: TrustState): void;
  /** The HostID for a device that has none for us yet; without it one that is fixed for this computer. */
  readonly hostId?: string;
  /** How the device may call this computer. */
  readonly hostName?: string;
}

/**
 * Makes this computer trusted by a device, and returns when it is. Waits, as long as it takes, for the user to unlock
 * the device and to answer its dialog; the signal ends that.
 *
 * A record that the device accepts is used as it is, whoever made it, also one that appears while we wait: usbmuxd pairs
 * by itself. One that it no longer accepts is replaced, under the same HostID.
 * @throws AppError `trustDenied`, `trustForbidden`, `trustNeedsCable`, `trustFailed`, `wrongDeviceKey`, `deviceGone`,
 * `deviceNotFound`, `restoreMode`, `cancelled` …
 */
export async function pairDevice(mux: UsbmuxClient, udid: string, options: PairOptions): Promise<void> {
  const { log, signal } = options;
  const device = await mux.findDevice(udid, signal);
  const target: SessionTarget = { mux, udid, deviceId: device.deviceId, log };
  const existing = await whenUnlocked(() => acceptedRecord(target, signal), options);
  if (existing.accepted) return options.onState?.({ kind: 'trusted' });
  if (device.connection === 'network') {
    throw new AppError('trustNeedsCable', 'a device can be paired only when it is connected by cable');
  }
  await new Pairing(target, options, existing.hostId).run();
  options.onState?.({ kind: 'trusted' });
}

/** Some systems do not even start a session while they are locked. */
async function whenUnlocked<T>(attempt: () => Promise<T>, options: PairOptions): Promise<T> {
  let told = false;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isAppError(error, 'deviceLocked')) throw error;
      if (!told) options.onState?.({ kind: 'locked' });
      told = true;
      await delay(POLL_MS, options.signal);
    }
  }
}

/** Whether the stored record is good; if not, under which HostID the device may know this computer. */
async function acceptedRecord(
  target: SessionTarget,
  signal: AbortSignal | undefined,
): Promise<{ readonly accepted: boolean; readonly hostId?: string }> {
  let hostId: string | undefined;
  try {
    const record = await loadPairRecord(target.mux, target.udid, signal);
    hostId = record.hostId;
    const { lockdown } = await openFirstSession(target, record, signal);
    await lockdown.close();
    return { accepted: true };
  } catch (error) {
    if (!isAppError(error, 'notTrusted') && !isStale(error) && !isAppError(error, 'tlsFailed')) throw error;
    target.log.info(`device ${target.udid} is not paired: ${error instanceof Error ? error.message : String(error)}`);
    return { accepted: false, ...(hostId === undefined ? {} : { hostId }) };
  }
}

class Pairing {
  readonly #target: SessionTarget;
  readonly #options: PairOptions;
  readonly #knownHostId: string | undefined;
  #lockdown: LockdownClient | undefined;
  #shown: TrustState['kind'] | undefined;

  constructor(target: SessionTarget, options: PairOptions, knownHostId: string | undefined) {
    this.#target = target;
    this.#options = options;
    this.#knownHostId = knownHostId;
  }

  async run(): Promise<void> {
    const { mux, udid } = this.#target;
    const { signal } = this.#options;
    try {
      const before = await mux.readPairRecord(udid, signal);
      const record = await this.#newRecord();
      for (;;) {
        const escrow = await this.#attempt(record);
        if (escrow) return await this.#keep({ ...record, escrowBag: escrow.bag });
        await delay(POLL_MS, signal);
        if (await this.#pairedByOthers(before)) return;
      }
    } finally {
      await this.#lockdown?.close();
    }
  }

  async #newRecord(): Promise<PairRecord> {
    const { mux } = this.#target;
    const { signal } = this.#options;
    const lockdown = await this.#connected();
    const publicKey = await lockdown.getValue(undefined, 'DevicePublicKey', signal);
    if (!(publicKey instanceof Uint8Array)) {
      throw new AppError('trustFailed', 'the device does not tell its DevicePublicKey');
    }
    // Before Pair: right after it some systems hang up when they are asked.
    const wifiAddress = await lockdown.getValue(undefined, 'WiFiAddress', signal);
    const systemBuid = await mux.readBuid(signal);
    const certificates = await makePairCertificates(Buffer.from(publicKey));
    throwIfAborted(signal);
    return {
      ...certificates,
      hostId: this.#knownHostId ?? this.#options.hostId ?? hostIdOf(systemBuid),
      systemBuid,
      escrowBag: undefined,
      wifiMacAddress: typeof wifiAddress === 'string' ? wifiAddress : undefined,
    };
  }

  /** Asks the device once. Undefined while its user has something to do first. */
  async #attempt(record: PairRecord): Promise<{ readonly bag: Buffer | undefined } | undefined> {
    try {
      const reply = await this.#requestPair(record);
      const bag = reply.get('EscrowBag');
      return { bag: bag instanceof Uint8Array ? Buffer.from(bag) : undefined };
    } catch (error) {
      if (isAppError(error, 'trustPending')) return this.#show({ kind: 'waitingForTrust' });
      if (isAppError(error, 'deviceLocked')) return this.#show({ kind: 'locked' });
      throw error;
    }
  }

  async #requestPair(record: PairRecord): Promise<PlistDict> {
    const fields = {
      ProtocolVersion: '2',
      HostName: this.#options.hostName ?? os.hostname(),
      PairRecord: sharedPartOf(record),
      PairingOptions: dict({ ExtendedPairingErrors: true }),
    };
    const { signal } = this.#options;
    const reused = this.#lockdown?.usable === true;
    try {
      return await (await this.#connected()).request('Pair', fields, signal);
    } catch (error) {
      if (!reused || !isAppError(error, 'deviceGone')) throw error;
      // A connection may end between two requests; if the device is really gone, the next one fails at once.
      return await (await this.#connected()).request('Pair', fields, signal);
    }
  }

  async #connected(): Promise<LockdownClient> {
    if (this.#lockdown?.usable) return this.#lockdown;
    await this.#lockdown?.close();
    const { mux, deviceId, log } = this.#target;
    this.#lockdown = await LockdownClient.open(mux, deviceId, log, this.#options.signal);
    return this.#lockdown;
  }

  /** usbmuxd asks the device for trust too, and one tap answers both: whoever is first, there is one record. */
  async #pairedByOthers(before: Buffer | undefined): Promise<boolean> {
    const { mux, udid } = this.#target;
    const now = await mux.readPairRecord(udid, this.#options.signal);
    if (!now || before?.equals(now)) return false;
    return (await acceptedRecord(this.#target, this.#options.signal)).accepted;
  }

  /** The device trusts us; that is worth nothing unless the record is kept. */
  async #keep(record: PairRecord): Promise<void> {
    const { mux, udid, deviceId, log } = this.#target;
    try {
      // Not to be cancelled: the device has stored its part already.
      await mux.savePairRecord(udid, encodePairRecord(record, udid), deviceId);
    } catch (error) {
      if (!isAppError(error)) throw error;
      throw new AppError('trustFailed', 'the device trusts this computer, but usbmuxd could not keep the pair record', {
        cause: error,
        details: { ...error.details, finding: 'pairRecordNotKept' },
      });
    }
    log.info(`device ${udid} is paired`);
    const { lockdown } = await openFirstSession(this.#target, record, this.#options.signal);
    await lockdown.close();
  }

  #show(state: TrustState): undefined {
    if (state.kind === this.#shown) return;
    this.#shown = state.kind;
    this.#options.onState?.(state);
  }
}
