import { randomBytes, X509Certificate, type KeyObject } from 'node:crypto';
import { getOptionalData, getOptionalString, type PlistDict } from '../../../src/plist';
import { certificateExtensions } from './certificateExtensions';
import type { PairedHost } from './pairedHost';

/** Clocks of hosts may differ from the device's by so much. */
const CLOCK_SKEW_MS = 24 * 3600 * 1000;
const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i;

/** Why a pair record is refused. */
export class PairRecordError extends Error {}

/**
 * Looks at a pair record as strictly as a phone: each certificate must be of the host's own root, with the flags that
 * TLS libraries ask for, and the device's must carry the device's key.
 *
 * @param publicKey the device's own.
 * @throws PairRecordError saying what is wrong.
 */
export function checkPairRecord(record: PlistDict, publicKey: KeyObject, hostName?: string): PairedHost {
  const hostId = text(record, 'HostID');
  const systemBuid = text(record, 'SystemBUID');
  if (!UUID.test(hostId)) throw new PairRecordError('HostID is no UUID');
  if (!UUID.test(systemBuid)) throw new PairRecordError('SystemBUID is no UUID');
  const root = certificate(record, 'RootCertificate');
  const host = certificate(record, 'HostCertificate');
  const device = certificate(record, 'DeviceCertificate');

  if (!root.verify(root.publicKey)) throw new PairRecordError('RootCertificate is not signed by itself');
  checkConstraints('RootCertificate', root, true);
  // Some hosts use one certificate as both.
  if (!host.raw.equals(root.raw)) {
    if (!host.verify(root.publicKey)) throw new PairRecordError('HostCertificate is not signed by RootCertificate');
    checkConstraints('HostCertificate', host, false);
    checkKeyUsage('HostCertificate', host);
  }
  if (!device.verify(root.publicKey)) throw new PairRecordError('DeviceCertificate is not signed by RootCertificate');
  checkConstraints('DeviceCertificate', device, false);
  checkKeyUsage('DeviceCertificate', device);
  if (!device.publicKey.equals(publicKey)) throw new PairRecordError("DeviceCertificate has not the device's own key");

  return {
    hostId,
    systemBuid,
    ...(hostName === undefined ? {} : { hostName }),
    rootCertificate: root,
    hostCertificate: host,
    deviceCertificate: device.toString(),
    escrowBag: randomBytes(32),
  };
}

function text(record: PlistDict, key: string): string {
  const value = attempt(key, () => getOptionalString(record, key));
  if (!value) throw new PairRecordError(`${key} is missing`);
  return value;
}

function certificate(record: PlistDict, key: string): X509Certificate {
  const pem = attempt(key, () => getOptionalData(record, key));
  if (!pem) throw new PairRecordError(`${key} is missing`);
  if (!pem.toString('latin1').startsWith('-----BEGIN CERTIFICATE-----')) throw new PairRecordError(`${key} is no PEM`);
  const parsed = attempt(key, () => new X509Certificate(pem));
  const { asymmetricKeyType, asymmetricKeyDetails } = parsed.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw new PairRecordError(`${key} has no RSA key of 2048 bits`);
  }
  const now = Date.now();
  if (Date.parse(parsed.validFrom) > now + CLOCK_SKEW_MS) throw new PairRecordError(`${key} is not valid yet`);
  if (Date.parse(parsed.validTo) < now - CLOCK_SKEW_MS) throw new PairRecordError(`${key} is not valid any more`);
  return parsed;
}

function checkConstraints(key: string, certificate: X509Certificate, ca: boolean): void {
  const { version, basicConstraints } = attempt(key, () => certificateExtensions(certificate));
  if (version !== 3) throw new PairRecordError(`${key} is not version 3`);
  if (!basicConstraints?.critical) throw new PairRecordError(`${key} has no critical basicConstraints`);
  if (basicConstraints.ca !== ca) throw new PairRecordError(`${key} has CA:${ca ? 'FALSE' : 'TRUE'}`);
}

function checkKeyUsage(key: string, certificate: X509Certificate): void {
  const { keyUsage } = attempt(key, () => certificateExtensions(certificate));
  if (!keyUsage?.critical) throw new PairRecordError(`${key} has no critical keyUsage`);
  if (!keyUsage.digitalSignature || !keyUsage.keyEncipherment) {
    throw new PairRecordError(`${key} lacks digitalSignature or keyEncipherment`);
  }
}

function attempt<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new PairRecordError(`${key}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
