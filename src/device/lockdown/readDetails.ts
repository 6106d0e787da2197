import { isAppError } from '../../base/errors';
import { numberOf, type PlistDict, type PlistValue } from '../../plist';
import type { DeviceDetails } from '../types';
import { dictOf } from './dictOf';
import type { TrustedDevice } from './trustedDevice';

/** 2001-01-01T00:00:00Z as milliseconds of 1970. */
const APPLE_EPOCH_MS = 978_307_200_000;

/**
 * What a trusted device tells about itself. A value that it does not have, refuses or gives in an unknown form is left
 * out; only a device that cannot be asked makes this fail.
 * @throws AppError `deviceGone`, `trustStale`, `timedOut`, `cancelled` …
 */
export async function readDetails(device: TrustedDevice, signal?: AbortSignal): Promise<DeviceDetails> {
  const value = (domain: string | undefined, key?: string) => tolerantValue(device, domain, key, signal);
  const domain = async (name: string) => dictOf(await value(name));

  const serialNumber = textOf(await value(undefined, 'SerialNumber'));
  const phoneNumber = textOf(await value(undefined, 'PhoneNumber'));
  const locked = flagOf(await value(undefined, 'PasswordProtected'));
  const backup = await domain('com.apple.mobile.backup');
  const wireless = await domain('com.apple.mobile.wireless_lockdown');
  const findMy = flagOf(await value('com.apple.fmip', 'IsAssociated'));
  const supervised = flagOf(await value('com.apple.mobile.chaperone', 'DeviceIsChaperoned'));
  const setupDone = flagOf(await value('com.apple.purplebuddy', 'SetupDone'));

  return withoutUndefined({
    serialNumber,
    phoneNumber,
    battery: batteryOf(await domain('com.apple.mobile.battery')),
    storage: storageOf(await domain('com.apple.disk_usage')),
    locked,
    backup: withoutUndefined({
      // Devices that were never encrypted do not have the key.
      willEncrypt: flagOf(backup.get('WillEncrypt')) === true,
      requiresEncryption:
        flagOf(backup.get('RequiresEncryption')) === true || flagOf(backup.get('RequiresEncrypt')) === true,
      cloudBackupEnabled: flagOf(backup.get('CloudBackupEnabled')),
      lastComputerBackup: timeOf(backup.get('LastiTunesBackupDate')),
      lastCloudBackup: timeOf(backup.get('LastCloudBackupDate')),
    }),
    wifiConnections: flagOf(wireless.get('EnableWifiConnections')),
    findMy,
    supervised,
    setupDone,
  });
}

async function tolerantValue(
  device: TrustedDevice,
  domain: string | undefined,
  key: string | undefined,
  signal: AbortSignal | undefined,
): Promise<PlistValue | undefined> {
  try {
    return await device.getValue(domain, key, signal);
  } catch (error) {
    if (isAppError(error, 'valueRefused') || isAppError(error, 'deviceReportedError')) return undefined;
    throw error;
  }
}

function batteryOf(domain: PlistDict): DeviceDetails['battery'] {
  const percent = numberOf(domain.get('BatteryCurrentCapacity'));
  if (percent === undefined || !(percent >= 0 && percent <= 100) || domain.get('HasBattery') === false)
    return undefined;
  return { percent: Math.round(percent), charging: flagOf(domain.get('BatteryIsCharging')) === true };
}

function storageOf(domain: PlistDict): DeviceDetails['storage'] {
  const total = bytesOf(domain.get('TotalDiskCapacity'));
  // What apps and photos can use; the first is what Settings shows, where a device has it.
  const free = bytesOf(domain.get('AmountDataAvailable')) ?? bytesOf(domain.get('TotalDataAvailable'));
  return total === undefined || free === undefined || free > total ? undefined : { total, free };
}

function bytesOf(value: PlistValue | undefined): number | undefined {
  const bytes = numberOf(value);
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

/** Devices send numbers for some booleans. */
function flagOf(value: PlistValue | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const number = numberOf(value);
  return number === 0 ? false : number === 1 ? true : undefined;
}

function textOf(value: PlistValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Seconds since 2001-01-01, or a date; as ISO text. */
function timeOf(value: PlistValue | undefined): string | undefined {
  const seconds = numberOf(value);
  const date =
    value instanceof Date ? value : seconds === undefined ? undefined : new Date(APPLE_EPOCH_MS + seconds * 1000);
  if (!date || Number.isNaN(date.getTime()) || date.getTime() <= APPLE_EPOCH_MS) return undefined;
  return date.toISOString();
}

type WithoutUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function withoutUndefined<T extends object>(fields: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WithoutUndefined<T>;
}
