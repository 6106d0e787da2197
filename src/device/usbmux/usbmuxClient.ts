import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import {
  asDict,
  getArray,
  getData,
  getString,
  isPlistError,
  numberOf,
  type PlistDict,
  type PlistValue,
} from '../../plist';
import type { SocketStream } from '../io/socketStream';
import type { MuxAddress } from './muxAddress';
import { MuxConnection } from './muxConnection';
import { decodeMuxDevice, preferredConnection, type MuxDevice } from './muxDevice';
import { ResultNumber } from './resultNumber';

/** Longer than for other requests: over Wi-Fi the device may have to wake up first. */
const CONNECT_TIMEOUT_MS = 15_000;

type Fields = Readonly<Record<string, PlistValue | undefined>>;

/**
 * What usbmuxd does for its clients, one connection per request.
 *
 * Every method fails with `muxAbsent`, `muxRefused`, `muxSilent`, `muxProtocol` or `cancelled` where it names nothing else.
 */
export class UsbmuxClient {
  readonly address: MuxAddress;
  readonly #log: Log;

  constructor(address: MuxAddress, log: Log) {
    this.address = address;
    this.#log = log;
  }

  /** Every connection of every device; a device can have two. */
  async listDevices(signal?: AbortSignal): Promise<readonly MuxDevice[]> {
    const reply = await this.#ask('ListDevices', {}, signal);
    return readReply('ListDevices', () => getArray(reply, 'DeviceList')).flatMap((entry) => {
      try {
        return [decodeMuxDevice(asDict(entry, 'the entry'))];
      } catch (error) {
        if (!isPlistError(error)) throw error;
        this.#log.warn(`usbmuxd lists a device that cannot be read: ${error.message}`);
        return [];
      }
    });
  }

  /**
   * The connection to use for a device, by cable if possible.
   * @throws AppError `deviceNotFound` too; `noDevice` when there is none at all.
   */
  async findDevice(udid: string, signal?: AbortSignal): Promise<MuxDevice> {
    const devices = await this.listDevices(signal);
    const device = preferredConnection(devices, udid);
    if (device) return device;
    if (devices.length === 0) throw new AppError('noDevice', 'no device is connected');
    throw new AppError('deviceNotFound', `no device with UDID ${udid} is connected`, { details: { udid } });
  }

  /**
   * Opens a byte stream to a port of a device.
   * @throws AppError `deviceGone`, `connectionRefused`, `timedOut` too.
   */
  async connect(deviceId: number, port: number, signal?: AbortSignal): Promise<SocketStream> {
    const connection = await MuxConnection.open(this.address, signal);
    // The number goes over the wire with its two bytes swapped.
    const swapped = ((port & 0xff) << 8) | (port >> 8);
    const timeout = () =>
      new AppError('timedOut', `device ${deviceId} did not answer on port ${port} in ${CONNECT_TIMEOUT_MS} ms`);
    const reply = await connection.request(
      'Connect',
      { DeviceID: deviceId, PortNumber: swapped },
      { signal, timeoutMs: CONNECT_TIMEOUT_MS, timeout },
    );
    const number = resultNumber('Connect', reply);
    if (number === ResultNumber.ok) return connection.handOver();
    await connection.close();
    if (number === ResultNumber.badDevice) throw new AppError('deviceGone', `usbmuxd knows no device ${deviceId}`);
    if (number === ResultNumber.connectionRefused) {
      throw new AppError('connectionRefused', `device ${deviceId} refuses port ${port}`, { details: { port } });
    }
    throw unexpectedNumber('Connect', number);
  }

  /** The UUID of this computer, which becomes SystemBUID in pair records. */
  async readBuid(signal?: AbortSignal): Promise<string> {
    const reply = await this.#ask('ReadBUID', {}, signal);
    return readReply('ReadBUID', () => getString(reply, 'BUID'));
  }

  /** A pair record as a property list file, XML or binary; undefined when there is none. */
  async readPairRecord(udid: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    const reply = await this.#ask('ReadPairRecord', { PairRecordID: udid }, signal);
    if (reply.has('PairRecordData')) return readReply('ReadPairRecord', () => getData(reply, 'PairRecordData'));
    const number = resultNumber('ReadPairRecord', reply);
    if (number === ResultNumber.noSuchRecord) return undefined;
    throw unexpectedNumber('ReadPairRecord', number);
  }

  /**
   * @param data A property list file.
   * @param deviceId Of the connected device: other listeners then hear that it was paired.
   */
  async savePairRecord(udid: string, data: Uint8Array, deviceId?: number, signal?: AbortSignal): Promise<void> {
    const fields = { PairRecordID: udid, PairRecordData: data, DeviceID: deviceId };
    const number = resultNumber('SavePairRecord', await this.#ask('SavePairRecord', fields, signal));
    if (number !== ResultNumber.ok) throw unexpectedNumber('SavePairRecord', number);
  }

  /** Resolves with false when there was none. */
  async deletePairRecord(udid: string, signal?: AbortSignal): Promise<boolean> {
    const number = resultNumber(
      'DeletePairRecord',
      await this.#ask('DeletePairRecord', { PairRecordID: udid }, signal),
    );
    if (number !== ResultNumber.ok && number !== ResultNumber.noSuchRecord) {
      throw unexpectedNumber('DeletePairRecord', number);
    }
    return number === ResultNumber.ok;
  }

  async #ask(messageType: string, fields: Fields, signal: AbortSignal | undefined): Promise<PlistDict> {
    const connection = await MuxConnection.open(this.address, signal);
    try {
      return await connection.request(messageType, fields, { signal });
    } finally {
      await connection.close();
    }
  }
}

/** @throws AppError `muxProtocol` for a reply that is no Result. */
function resultNumber(messageType: string, reply: PlistDict): number {
  const number = numberOf(reply.get('Number'));
  if (number === undefined) {
    throw new AppError('muxProtocol', `usbmuxd answered ${messageType} without a number`);
  }
  return number;
}

function unexpectedNumber(messageType: string, number: number): AppError {
  return new AppError('muxProtocol', `usbmuxd answered ${messageType} with number ${number}`, { details: { number } });
}

function readReply<T>(messageType: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isPlistError(error)) throw error;
    throw new AppError('muxProtocol', `usbmuxd answered ${messageType} wrongly: ${error.message}`, { cause: error });
  }
}
