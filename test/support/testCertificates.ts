import { createHash, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** Whose key it carries. */
  readonly publicKey: KeyObject;
  /** Who signs it. */
  readonly issuer: KeyPair;
  readonly ca?: boolean;
  /** Absent: digitalSignature and keyEncipherment for others than CAs; false: none. */
  readonly keyUsage?: false;
  readonly subjectKeyIdentifier?: boolean;
  readonly digest?: 'sha1' | 'sha256';
  readonly serial?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const YEAR = 365 * 24 * 3600 * 1000;
const SIGNATURES = { sha1: '300d06092a864886f70d0101050500', sha256: '300d06092a864886f70d01010b0500' };

export function newKeyPair(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

/** A certificate with empty names as pair records have them, built byte by byte: PEM. */
export function makeCertificate(options: CertificateOptions): Buffer {
  const { publicKey, issuer, ca = false, digest = 'sha256', serial = 1 } = options;
  const now = Date.now();
  const algorithm = Buffer.from(SIGNATURES[digest], 'hex');
  const emptyName = Buffer.from('3000', 'hex');
  const extensions = [
    Buffer.from(ca ? '300f0603551d130101ff040530030101ff' : '300c0603551d130101ff04023000', 'hex'),
    options.subjectKeyIdentifier ? subjectKeyIdentifier(publicKey) : Buffer.alloc(0),
    ca || options.keyUsage === false ? Buffer.alloc(0) : Buffer.from('300e0603551d0f0101ff0404030205a0', 'hex'),
  ];
  const tbs = der(0x30, [
    Buffer.from('a003020102', 'hex'),
    der(0x02, [Buffer.from([serial])]),
    algorithm,
    emptyName,
    der(0x30, [
      utcTime(options.notBefore ?? new Date(now - 60_000)),
      utcTime(options.notAfter ?? new Date(now + 10 * YEAR)),
    ]),
    emptyName,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, [der(0x30, extensions)]),
  ]);
  const signature = sign(digest, tbs, issuer.privateKey);
  const certificate = der(0x30, [tbs, algorithm, der(0x03, [Buffer.from([0]), signature])]);
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`);
}

/** @param pem `-----BEGIN RSA PUBLIC KEY-----`, as lockdown hands it out. */
export function devicePublicKey(pem: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(pem), format: 'pem', type: 'pkcs1' });
}

function subjectKeyIdentifier(publicKey: KeyObject): Buffer {
  const hash = createHash('sha1')
    .update(publicKey.export({ type: 'pkcs1', format: 'der' }))
    .digest();
  return Buffer.concat([Buffer.from('301d0603551d0e04160414', 'hex'), hash]);
}

function utcTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/[-:T]/g, '');
  return der(0x17, [Buffer.from(`${digits.slice(2, 14)}Z`)]);
}

function der(tag: number, parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
