import { dict, type PlistDict, type PlistValue } from '../../../src/plist';
import type { Attachment } from '../deviceState';
import { macAddress } from '../lockdown/globalValues';
import type { VirtualDevice } from '../virtualDevice';

const productIds = { iPhone: 0x12a8, iPad: 0x12ab, iPod: 0x12aa };

/** How the daemon describes one attachment, in lists and in events. */
export function attachedMessage(
  device: VirtualDevice,
  { deviceId, connection }: Attachment,
  dashless: boolean,
): PlistDict {
  const { description, udid } = device.state;
  const properties: Record<string, PlistValue> =
    connection === 'usb'
      ? {
          ConnectionSpeed: 480_000_000,
          ConnectionType: 'USB',
          DeviceID: deviceId,
          LocationID: 0,
          ProductID: productIds[description.deviceClass],
          // The USB descriptor has no dash; older daemons pass it on so.
          SerialNumber: dashless ? udid.replace('-', '') : udid,
        }
      : {
          ConnectionType: 'Network',
          DeviceID: deviceId,
          EscapedFullServiceName: `${macAddress(description.seed, 0)}@fe80::1c2d:3e4f._apple-mobdev2._tcp.local.`,
          InterfaceIndex: 1,
          NetworkAddress: bsdSocketAddress(device.networkAddress ?? '127.0.0.1'),
          SerialNumber: udid,
        };
  return dict({ MessageType: 'Attached', DeviceID: deviceId, Properties: dict(properties) });
}

/** `struct sockaddr_in` as macOS has it, the one shape that released libimobiledevice takes; port 0, padded to 128 bytes. */
function bsdSocketAddress(address: string): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.set([16, 2, 0, 0, ...address.split('.').map(Number)]);
  return bytes;
}
