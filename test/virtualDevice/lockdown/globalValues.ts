import { PlistReal, type PlistValue } from '../../../src/plist';
import { seededBytes } from '../afc/fillMedia';
import type { DeviceState } from '../deviceState';

interface Model {
  readonly hardwareModel: string;
  readonly platform: string;
  readonly modelNumber: string;
}

/** Internal names of a few models; others get plausible ones. */
const models: Readonly<Record<string, Model>> = {
  'iPhone13,2': { hardwareModel: 'D53gAP', platform: 't8101', modelNumber: 'MGN13' },
  'iPhone16,1': { hardwareModel: 'D83AP', platform: 't8130', modelNumber: 'MTUX3' },
  'iPad13,4': { hardwareModel: 'J517AP', platform: 't8103', modelNumber: 'MHQR3' },
  'iPod9,1': { hardwareModel: 'N112AP', platform: 't8010', modelNumber: 'MVHW2' },
};

/** What lockdown tells anybody who can reach it. */
export const PUBLIC_KEYS: ReadonlySet<string> = new Set([
  'ActivationState',
  'BasebandStatus',
  'BluetoothAddress',
  'BuildVersion',
  'CPUArchitecture',
  'DeviceClass',
  'DeviceColor',
  'DeviceName',
  'DevicePublicKey',
  'HardwareModel',
  'HasSiDP',
  'HumanReadableProductVersionString',
  'PartitionType',
  'ProductName',
  'ProductType',
  'ProductVersion',
  'ProductionSOC',
  'ProtocolVersion',
  'SupportedDeviceFamilies',
  'TelephonyCapability',
  'UniqueChipID',
  'UniqueDeviceID',
  'WiFiAddress',
]);

/** The global domain as computed from the device's state; what hosts have set is laid over it elsewhere. */
export async function globalValues(device: DeviceState): Promise<Map<string, PlistValue>> {
  const { description } = device;
  const { seed, deviceClass } = description;
  const phone = deviceClass === 'iPhone';
  const { publicKeyPem } = await device.keys.get();
  const model = models[description.productType] ?? { hardwareModel: 'D00AP', platform: 't8110', modelNumber: 'M0000' };
  const address = (index: number) => macAddress(seed, index);
  const values: Record<string, PlistValue | undefined> = {
    ActivationState: 'Activated',
    ActivationStateAcknowledged: true,
    BasebandStatus: phone ? 'BBInfoAvailable' : 'NoTelephonyCapabilty', // Spelled so by iOS.
    BasebandVersion: phone ? '2.20.03' : undefined,
    BluetoothAddress: address(1),
    BoardId: 12,
    BrickState: false,
    BuildVersion: description.buildVersion,
    CPUArchitecture: /^(iPod|iPhone([1-9]|10),)/.test(description.productType) ? 'arm64' : 'arm64e',
    ChipID: Number.parseInt(model.platform.slice(1), 16),
    DeviceClass: deviceClass,
    DeviceColor: '1',
    DeviceEnclosureColor: '1',
    DeviceName: device.name,
    DevicePublicKey: Buffer.from(publicKeyPem),
    DieID: 0x7fff_ffff_ffff_fff0n & chipId(device),
    EthernetAddress: address(2),
    FirmwareVersion: 'iBoot-8422.100.650',
    HardwareModel: model.hardwareModel,
    HardwarePlatform: model.platform,
    HasSiDP: true,
    HostAttached: device.plugged,
    HumanReadableProductVersionString: description.productVersion,
    IntegratedCircuitCardIdentity: phone ? digits(seed, 10, '8949', 20) : undefined,
    InternationalMobileEquipmentIdentity: phone ? digits(seed, 11, '35', 15) : undefined,
    InternationalMobileEquipmentIdentity2: phone ? digits(seed, 12, '35', 15) : undefined,
    InternationalMobileSubscriberIdentity: phone ? digits(seed, 13, '262', 15) : undefined,
    MLBSerialNumber: `FYG${seededBytes(seed + 14, 7)
      .toString('hex')
      .toUpperCase()}`,
    MobileEquipmentIdentifier: phone ? digits(seed, 11, '35', 14) : undefined,
    ModelNumber: model.modelNumber,
    NonVolatileRAM: new Map<string, PlistValue>([
      ['auto-boot', Buffer.from('true')],
      ['backlight-level', Buffer.from('1505')],
      ['boot-args', ''],
    ]),
    PartitionType: 'GUID_partition_scheme',
    PasswordProtected: device.locked,
    PhoneNumber: phone ? '+49 1512 3456789' : undefined,
    ProductName: deviceClass === 'iPad' ? 'iPad OS' : 'iPhone OS',
    ProductType: description.productType,
    ProductVersion: description.productVersion,
    ProductionSOC: true,
    ProtocolVersion: '2',
    RegionInfo: 'ZD/A',
    SIMStatus: phone ? 'kCTSIMSupportSIMStatusReady' : undefined,
    SerialNumber: description.serialNumber,
    SoftwareBehavior: Buffer.from([0x11, 0, 0, 0, ...new Array<number>(12).fill(0)]),
    SupportedDeviceFamilies: deviceClass === 'iPad' ? [1, 2] : [1],
    TelephonyCapability: phone,
    TimeIntervalSince1970: new PlistReal(Date.now() / 1000),
    TimeZone: 'Europe/Berlin',
    TimeZoneOffsetFromUTC: new PlistReal(7200),
    TrustedHostAttached: device.pairedHosts.size > 0,
    UniqueChipID: chipId(device),
    UniqueDeviceID: device.udid,
    Uses24HourClock: true,
    WiFiAddress: address(0),
    kCTPostponementStatus: phone ? 'kCTPostponementStatusActivated' : undefined,
  };
  return new Map(Object.entries(values).filter((entry): entry is [string, PlistValue] => entry[1] !== undefined));
}

/** The ECID: since 2018 it is the second half of the UDID; a 64-bit number either way. */
function chipId(device: DeviceState): bigint {
  const half = device.udid.split('-')[1];
  return half ? BigInt(`0x${half}`) : seededBytes(device.description.seed + 3, 8).readBigUInt64BE() >> 4n;
}

export function macAddress(seed: number, index: number): string {
  const [a = 0, b = 0, c = 0, d = 0] = seededBytes(seed + 20 + index, 4);
  return ['a4', '83', a, b, c, d]
    .map((part) => (typeof part === 'string' ? part : part.toString(16).padStart(2, '0')))
    .join(':');
}

function digits(seed: number, salt: number, start: string, length: number): string {
  const rest = [...seededBytes(seed + salt, length - start.length)].map((byte) => byte % 10).join('');
  return start + rest;
}
