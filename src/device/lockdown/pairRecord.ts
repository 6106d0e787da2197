import { AppError } from '../../base/errors';
import {
  asDict,
  dict,
  encodeXmlPlist,
  getData,
  getOptionalData,
  getOptionalString,
  getString,
  parsePlist,
  type PlistDict,
} from '../../plist';
import { publicKeyOfCertificate, type TlsIdentity } from '../io/tls';

/** What makes this computer known to a device. Whoever holds it can reach the device's data: never log it. */
export interface PairRecord {
  readonly hostId: string;
  readonly systemBuid: string;
  /** Certificates and keys are PEM text. */
  readonly rootCertificate: Buffer;
  readonly rootPrivateKey: Buffer | undefined;
  readonly hostCertificate: Buffer;
  readonly hostPrivateKey: Buffer;
  /** Made by the host for the device's key. */
  readonly deviceCertificate: Buffer;
  /** Lets services reach the data of a locked device. Apple Watch gives none. */
  readonly escrowBag: Buffer | undefined;
  readonly wifiMacAddress: string | undefined;
}

/**
 * Reads a record of ours or of another program.
 * @param file A property list file, XML or binary.
 * @throws PlistError if fields are missing.
 */
export function decodePairRecord(file: Buffer): PairRecord {
  const record = asDict(parsePlist(file), 'the pair record');
  return {
    hostId: getString(record, 'HostID'),
    systemBuid: getString(record, 'SystemBUID'),
    rootCertificate: getData(record, 'RootCertificate'),
    rootPrivateKey: getOptionalData(record, 'RootPrivateKey'),
    hostCertificate: getData(record, 'HostCertificate'),
    hostPrivateKey: getData(record, 'HostPrivateKey'),
    deviceCertificate: getData(record, 'DeviceCertificate'),
    escrowBag: getOptionalData(record, 'EscrowBag'),
    wifiMacAddress: getOptionalString(record, 'WiFiMACAddress'),
  };
}

/** The record as a property list file, for usbmuxd to keep. */
export function encodePairRecord(record: PairRecord, udid: string): Buffer {
  const fields = dict({
    HostID: record.hostId,
    SystemBUID: record.systemBuid,
    RootCertificate: record.rootCertificate,
    RootPrivateKey: record.rootPrivateKey,
    HostCertificate: record.hostCertificate,
    HostPrivateKey: record.hostPrivateKey,
    DeviceCertificate: record.deviceCertificate,
    EscrowBag: record.escrowBag,
    WiFiMACAddress: record.wifiMacAddress,
    UDID: udid,
  });
  return Buffer.from(encodeXmlPlist(fields));
}

/** What the device may see of it: no private key. */
export function sharedPartOf(record: PairRecord): PlistDict {
  return dict({
    DeviceCertificate: record.deviceCertificate,
    HostCertificate: record.hostCertificate,
    RootCertificate: record.rootCertificate,
    SystemBUID: record.systemBuid,
    HostID: record.hostId,
  });
}

export function tlsIdentityOf(record: PairRecord): TlsIdentity {
  return { certificate: record.hostCertificate, privateKey: record.hostPrivateKey };
}

/**
 * The key that the device has to hold.
 * @throws AppError `tlsFailed` if the record's DeviceCertificate cannot be read.
 */
export function devicePublicKeyOf(record: PairRecord): Buffer {
  try {
    return publicKeyOfCertificate(record.deviceCertificate);
  } catch (error) {
    throw new AppError('tlsFailed', 'the DeviceCertificate of the pair record cannot be read', { cause: error });
  }
}
