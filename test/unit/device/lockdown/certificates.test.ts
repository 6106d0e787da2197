import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { isAppError } from '../../../../src/base/errors';
import { makePairCertificates, type PairCertificates } from '../../../../src/device/lockdown/certificates';

const NOW = new Date('2026-03-04T05:06:07Z');

describe('makePairCertificates', () => {
  const device = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const devicePem = device.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string;
  let made: PairCertificates;
  let root: X509Certificate;

  before(async () => {
    made = await makePairCertificates(Buffer.from(devicePem), NOW);
    root = new X509Certificate(made.rootCertificate);
  });

  it('makes PEM texts that end with one newline', () => {
    for (const pem of Object.values(made) as Buffer[]) {
      assert.match(pem.toString(), /^-----BEGIN [A-Z ]+-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END [A-Z ]+-----\n$/);
    }
    assert.match(made.rootPrivateKey.toString(), /^-----BEGIN PRIVATE KEY-----/);
    assert.match(made.hostPrivateKey.toString(), /^-----BEGIN PRIVATE KEY-----/);
  });

  it('certifies the right keys, by the root', () => {
    const host = new X509Certificate(made.hostCertificate);
    const forDevice = new X509Certificate(made.deviceCertificate);
    assert.ok(root.checkPrivateKey(createPrivateKey(made.rootPrivateKey)));
    assert.ok(host.checkPrivateKey(createPrivateKey(made.hostPrivateKey)));
    assert.ok(forDevice.checkPrivateKey(device.privateKey));
    for (const certificate of [root, host, forDevice]) assert.ok(certificate.verify(root.publicKey));
    assert.notDeepEqual(spki(host.publicKey), spki(root.publicKey));
  });

  it('makes new keys each time', async () => {
    const again = await makePairCertificates(Buffer.from(devicePem), NOW);
    assert.notDeepEqual(again.rootPrivateKey, made.rootPrivateKey);
    assert.notDeepEqual(again.hostPrivateKey, made.hostPrivateKey);
  });

  it('lays the certificates out byte by byte as devices know them', () => {
    const authority = '300f0603551d130101ff040530030101ff';
    const noAuthority = '300c0603551d130101ff04023000';
    const usage = '300e0603551d0f0101ff0404030205a0';
    const pkcs1 = device.publicKey.export({ type: 'pkcs1', format: 'der' });
    const keyId = '301d0603551d0e04160414' + createHash('sha1').update(pkcs1).digest('hex');
    const host = new X509Certificate(made.hostCertificate).publicKey;
    assert.equal(contentOf(made.rootCertificate), content(root.publicKey, authority));
    assert.equal(contentOf(made.hostCertificate), content(host, noAuthority + usage));
    assert.equal(contentOf(made.deviceCertificate), content(device.publicKey, noAuthority + keyId + usage));
  });

  it('is understood by OpenSSL', () => {
    const text = execFileSync('openssl', ['x509', '-noout', '-text'], {
      input: made.deviceCertificate,
      encoding: 'utf8',
    });
    assert.match(text, /Version: 3 \(0x2\)/);
    assert.match(text, /Signature Algorithm: sha256WithRSAEncryption/);
    assert.match(text, /Not Before: Mar {2}4 05:05:07 2026 GMT/);
    assert.match(text, /Not After : Mar {2}1 05:06:07 2036 GMT/);
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment/);
  });

  it('refuses what is no RSA key', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
    for (const pem of ['', 'no key', devicePem.replace('MII', 'MIJ'), ec]) {
      await assert.rejects(makePairCertificates(Buffer.from(pem)), (error) => isAppError(error, 'unexpectedReply'));
    }
  });
});

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** DER as hex, tag and length in front. */
function der(tag: string, content: string): string {
  const length = content.length / 2;
  if (length < 0x80) return tag + length.toString(16).padStart(2, '0') + content;
  const bytes = length < 0x100 ? length.toString(16) : length.toString(16).padStart(4, '0');
  return tag + (0x80 | (bytes.length / 2)).toString(16) + bytes + content;
}

/** What is signed: version 3, serial 1, SHA-256 with RSA, empty issuer, validity, empty subject, key, extensions. */
function content(key: KeyObject, extensions: string): string {
  const time = (text: string) => der('17', Buffer.from(text).toString('hex'));
  const validity = der('30', time('260304050507Z') + time('360301050607Z'));
  const algorithm = '300d06092a864886f70d01010b0500';
  const fields = 'a003020102' + '020101' + algorithm + '3000' + validity + '3000' + spki(key).toString('hex');
  return der('30', fields + der('a3', der('30', extensions)));
}

/** The signed part of a certificate: its first element. */
function contentOf(pem: Buffer): string {
  const { raw } = new X509Certificate(pem);
  const length = raw.readUInt16BE(6); // 30 82 xx xx 30 82 LL LL
  return raw.subarray(4, 8 + length).toString('hex');
}
