import { createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { AppError } from '../../base/errors';

const KEY_BITS = 2048;
const VALID_DAYS = 3650;
const DAY_MS = 86_400_000;
/** The device's clock may be a little behind ours. */
const CLOCK_SKEW_MS = 60_000;
/** Devices do not look at it; the common tools write 0 or 1. */
const SERIAL_NUMBER = '01';
const SHA256_WITH_RSA = forge.pki.oids['sha256WithRSAEncryption'] as string;

const generateKeys = promisify(generateKeyPair);

/** All PEM, with a newline at the end; private keys in PKCS#8. */
export interface PairCertificates {
  readonly rootCertificate: Buffer;
  readonly rootPrivateKey: Buffer;
  readonly hostCertificate: Buffer;
  readonly hostPrivateKey: Buffer;
  readonly deviceCertificate: Buffer;
}

/**
 * New keys for this computer, and certificates for them and for the device's own key. Key generation and signing run
 * outside the main thread.
 *
 * BoringSSL refuses a peer whose certificate lacks the two key usages, or has them not critical.
 * @param devicePublicKey As lockdown tells it: PEM in PKCS#1.
 * @throws AppError `unexpectedReply` if that is no RSA key.
 */
export async function makePairCertificates(devicePublicKey: Buffer, now = new Date()): Promise<PairCertificates> {
  const device = readDeviceKey(devicePublicKey);
  const [root, host] = await Promise.all([
    generateKeys('rsa', { modulusLength: KEY_BITS }),
    generateKeys('rsa', { modulusLength: KEY_BITS }),
  ]);
  const issue = (key: KeyObject, extensions: readonly object[]) =>
    makeCertificate(key, extensions, root.privateKey, now);
  const [rootCertificate, hostCertificate, deviceCertificate] = await Promise.all([
    issue(root.publicKey, [{ name: 'basicConstraints', critical: true, cA: true }]),
    issue(host.publicKey, [NO_AUTHORITY, KEY_USAGE]),
    issue(device, [NO_AUTHORITY, { name: 'subjectKeyIdentifier' }, KEY_USAGE]),
  ]);
  return {
    rootCertificate,
    rootPrivateKey: privatePem(root.privateKey),
    hostCertificate,
    hostPrivateKey: privatePem(host.privateKey),
    deviceCertificate,
  };
}

const NO_AUTHORITY = { name: 'basicConstraints', critical: true, cA: false };
const KEY_USAGE = { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true };

export function readDeviceKey(pem: Buffer): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch (error) {
    throw new AppError('unexpectedReply', "the device's DevicePublicKey cannot be read", { cause: error });
  }
  throw new AppError('unexpectedReply', "the device's DevicePublicKey is no RSA key");
}

/** Subject and issuer stay empty, as in every pair record. */
async function makeCertificate(
  publicKey: KeyObject,
  extensions: readonly object[],
  signingKey: KeyObject,
  now: Date,
): Promise<Buffer> {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey.export({ type: 'spki', format: 'pem' }) as string);
  certificate.serialNumber = SERIAL_NUMBER;
  certificate.validity.notBefore = new Date(now.getTime() - CLOCK_SKEW_MS);
  certificate.validity.notAfter = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  certificate.setSubject([]);
  certificate.setIssuer([]);
  certificate.setExtensions([...extensions]);
  certificate.signatureOid = SHA256_WITH_RSA;
  certificate.siginfo.algorithmOid = SHA256_WITH_RSA;
  // forge would sign in JavaScript, some 50 ms of a blocked process each.
  const [content] = forge.pki.certificateToAsn1(certificate).value as forge.asn1.Asn1[];
  const der = Buffer.from(forge.asn1.toDer(content as forge.asn1.Asn1).getBytes(), 'latin1');
  const signature = await signSha256(der, signingKey);
  certificate.signature = signature.toString('latin1');
  return Buffer.from(forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n').trimEnd() + '\n');
}

function signSha256(content: Buffer, key: KeyObject): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign('sha256', content, key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });
}

function privatePem(key: KeyObject): Buffer {
  return Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }) as string);
}
