import { createDecipheriv } from 'node:crypto';
import {
  dict,
  encodeBinaryPlist,
  getBool,
  getData,
  getDict,
  getOptionalData,
  getOptionalString,
  getString,
  isDict,
  parsePlist,
  type PlistDict,
} from '../../../src/plist';
import type { DeviceState } from '../deviceState';
import { domainValues } from '../lockdown/domainValues';
import { unwrapKey } from './keyWrap';

export type SnapshotState = 'uploading' | 'moving' | 'removing' | 'finished';
const snapshotStates: readonly string[] = ['uploading', 'moving', 'removing', 'finished'];

export interface StatusPlist {
  readonly uuid: string;
  readonly snapshotState: SnapshotState;
  readonly version: string;
}

export interface ManifestPlist {
  readonly version: string;
  readonly encrypted: boolean;
  readonly keybag: Buffer;
  /** u32LE class and 40 bytes of wrapped key. */
  readonly manifestKey: Buffer | undefined;
  readonly productVersion: string;
  readonly deviceName: string | undefined;
  readonly supervised: boolean;
  readonly udid: string;
}

export function encodeStatusPlist(uuid: string, snapshotState: SnapshotState, full: boolean, date: Date): Buffer {
  return encodeBinaryPlist(
    dict({
      UUID: uuid,
      Date: date,
      BackupState: 'new',
      SnapshotState: snapshotState,
      IsFullBackup: full,
      Version: '3.3',
    }),
  );
}

/** @throws Error when it is not what a device writes. */
export function parseStatusPlist(bytes: Buffer): StatusPlist {
  const status = asRoot(bytes, 'Status.plist');
  const snapshotState = getString(status, 'SnapshotState');
  if (!snapshotStates.includes(snapshotState)) throw new Error(`SnapshotState ${snapshotState}`);
  return {
    uuid: getString(status, 'UUID'),
    snapshotState: snapshotState as SnapshotState,
    version: getString(status, 'Version'),
  };
}

export function encodeManifestPlist(
  device: DeviceState,
  backup: {
    readonly date: Date;
    readonly keybag: Buffer;
    readonly encrypted: boolean;
    readonly manifestKey: Buffer | undefined;
  },
): Buffer {
  const { description } = device;
  const applications = new Map(
    description.apps.map((app) => [
      app.bundleId,
      dict({
        CFBundleIdentifier: app.bundleId,
        CFBundleVersion: app.version,
        ContainerContentClass: 'Data/Application',
        Path: `/var/containers/Bundle/Application/${app.bundleId}/${app.name.replaceAll('/', '_')}.app`,
      }),
    ]),
  );
  applications.set(
    'group.com.apple.notes',
    dict({ CFBundleIdentifier: 'group.com.apple.notes', ContainerContentClass: 'Shared/AppGroup' }),
  );
  return encodeBinaryPlist(
    dict({
      Version: '10.0',
      Date: backup.date,
      IsEncrypted: backup.encrypted,
      WasPasscodeSet: device.passcodeSet,
      SystemDomainsVersion: '24.0',
      BackupKeyBag: backup.keybag,
      ManifestKey: backup.manifestKey,
      Lockdown: dict({
        BuildVersion: description.buildVersion,
        DeviceClass: description.deviceClass,
        DeviceName: device.name,
        ProductType: description.productType,
        ProductVersion: description.productVersion,
        SerialNumber: description.serialNumber,
        UniqueDeviceID: device.udid,
        'com.apple.Accessibility': domainValues(device, 'com.apple.Accessibility'),
        'com.apple.MobileDeviceCrashCopy': dict({}),
        'com.apple.TerminalFlashr': dict({}),
        'com.apple.mobile.chaperone': domainValues(device, 'com.apple.mobile.chaperone'),
        'com.apple.mobile.data_sync': domainValues(device, 'com.apple.mobile.data_sync'),
        'com.apple.mobile.iTunes.accessories': dict({}),
        'com.apple.mobile.wireless_lockdown': dict({ EnableWifiConnections: device.switches.wifiConnections }),
      }),
      Applications: applications,
    }),
  );
}

/** @throws Error when it is not what a device writes. */
export function parseManifestPlist(bytes: Buffer): ManifestPlist {
  const manifest = asRoot(bytes, 'Manifest.plist');
  const lockdown = getDict(manifest, 'Lockdown');
  const chaperone = lockdown.get('com.apple.mobile.chaperone');
  return {
    version: getString(manifest, 'Version'),
    encrypted: getBool(manifest, 'IsEncrypted'),
    keybag: getData(manifest, 'BackupKeyBag'),
    manifestKey: getOptionalData(manifest, 'ManifestKey'),
    productVersion: getString(lockdown, 'ProductVersion'),
    deviceName: getOptionalString(lockdown, 'DeviceName'),
    supervised: isDict(chaperone) && chaperone.get('DeviceIsChaperoned') === true,
    udid: getString(lockdown, 'UniqueDeviceID'),
  };
}

/**
 * Manifest.db as SQLite can read it.
 * @param classKeys of the backup's keybag; not needed for an unencrypted backup.
 * @throws Error when the key does not fit.
 */
export function decryptManifestDatabase(
  stored: Buffer,
  manifest: ManifestPlist,
  classKeys: ReadonlyMap<number, Buffer>,
): Buffer {
  if (!manifest.encrypted) return stored;
  if (manifest.manifestKey?.length !== 44) throw new Error('an encrypted backup without a ManifestKey');
  const key = unwrapClassKey(manifest.manifestKey, classKeys);
  if (!key) throw new Error('ManifestKey does not open');
  const decipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16));
  return Buffer.concat([decipher.update(stored), decipher.final()]);
}

/** A file's or the manifest's key: u32LE class, then the wrapped key. Undefined when it does not open. */
export function unwrapClassKey(key: Buffer, classKeys: ReadonlyMap<number, Buffer>): Buffer | undefined {
  if (key.length !== 44) return undefined;
  const classKey = classKeys.get(key.readUInt32LE(0));
  return classKey && unwrapKey(classKey, key.subarray(4));
}

function asRoot(bytes: Buffer, name: string): PlistDict {
  const value = parsePlist(bytes);
  if (!isDict(value)) throw new Error(`${name} is no dictionary`);
  return value;
}
