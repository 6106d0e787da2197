import {
  getInteger,
  getOptionalDict,
  getOptionalInteger,
  getOptionalString,
  getString,
  type PlistDict,
} from '../../plist';

/** One connection of a device to this computer. A device that is there by cable and Wi-Fi has two. */
export interface MuxDevice {
  /** usbmuxd's number for this connection; another one after each replug. */
  readonly deviceId: number;
  readonly udid: string;
  readonly connection: 'usb' | 'network';
  /** USB product id, for example 0x12a8. */
  readonly productId?: number;
  readonly locationId?: number;
}

/**
 * Reads an entry of ListDevices or an Attached event.
 * @throws PlistError if it has no DeviceID or serial number.
 */
export function decodeMuxDevice(message: PlistDict): MuxDevice {
  const properties = getOptionalDict(message, 'Properties') ?? message;
  const productId = getOptionalInteger(properties, 'ProductID');
  const locationId = getOptionalInteger(properties, 'LocationID');
  return {
    deviceId: getInteger(message, 'DeviceID'),
    udid: udidOfSerial(getString(properties, 'SerialNumber')),
    connection: getOptionalString(properties, 'ConnectionType') === 'Network' ? 'network' : 'usb',
    ...(productId === undefined ? {} : { productId }),
    ...(locationId === undefined ? {} : { locationId }),
  };
}

/** Devices since 2018 report 24 digits over USB; older daemons pass them on without the dash of the UDID. */
export function udidOfSerial(serial: string): string {
  return /^[0-9A-F]{24}$/i.test(serial) ? `${serial.slice(0, 8)}-${serial.slice(8)}`.toUpperCase() : serial;
}

/** The connection to use for a device: the cable if there is one. */
export function preferredConnection(devices: readonly MuxDevice[], udid: string): MuxDevice | undefined {
  const candidates = devices.filter((device) => device.udid === udid);
  return candidates.find(({ connection }) => connection === 'usb') ?? candidates[0];
}
