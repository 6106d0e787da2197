import { generateKeyPairSync } from 'node:crypto';
import { AppError, isAppError } from '../../../src/base/errors';
import type { ByteStream } from '../../../src/device/io/byteStream';
import { tlsClientContext } from '../../../src/device/io/tls';
import { makePairCertificates, readDeviceKey } from '../../../src/device/lockdown/certificates';
import { decodePairRecord, devicePublicKeyOf, tlsIdentityOf } from '../../../src/device/lockdown/pairRecord';
import { PlistChannel } from '../../../src/device/lockdown/plistChannel';
import { DeviceLink } from '../../../src/device/mobilebackup2/deviceLink';
import { AfcOperation, encodeAfcPacket, readAfcPacket } from '../../../src/device/services/afcPacket';
import { encodeFrame, readFrame } from '../../../src/device/usbmux/frame';
import { decodeMuxDevice } from '../../../src/device/usbmux/muxDevice';
import {
  asDict,
  dict,
  encodeBinaryPlist,
  encodeXmlPlist,
  parsePlist,
  PlistReal,
  type PlistValue,
} from '../../../src/plist';
import { bytesTarget, type FuzzTarget } from '../fuzz';

const attached = dict({
  MessageType: 'Attached',
  DeviceID: 3,
  Properties: dict({ ConnectionType: 'USB', SerialNumber: '00008101000A1B2C3D4E001E', ProductID: 4776 }),
});
const answer = dict({ Request: 'GetValue', Key: 'DeviceName', Value: 'Phone' });
const upload: PlistValue[] = ['DLMessageUploadFiles', dict({}), new PlistReal(12.5), 1000];
const move: PlistValue[] = ['DLMessageMoveItems', new Map([['a/b', 'c/d']]), dict({}), new PlistReal(1)];

export const deviceTargets: readonly FuzzTarget[] = [
  bytesTarget({
    name: 'usbmux',
    what: 'frames of usbmux',
    samples: [encodeFrame(1, Buffer.from(encodeXmlPlist(attached))), encodeFrame(0, encodeBinaryPlist(attached))],
    async parse(bytes) {
      const { body } = await readFrame(streamOf(bytes));
      decodeMuxDevice(asDict(parsePlist(body), 'message'));
    },
    allowed: ['muxProtocol', 'deviceGone', 'plist'],
  }),
  bytesTarget({
    name: 'lockdown',
    what: 'messages of lockdown and most services',
    samples: [framed(Buffer.from(encodeXmlPlist(answer))), framed(encodeBinaryPlist(answer))],
    parse: (bytes) => new PlistChannel({ ...streamOf(bytes), abort() {} }, 'lockdown').receive({ timeoutMs: Infinity }),
    allowed: ['unexpectedReply', 'deviceGone'],
  }),
  bytesTarget({
    name: 'deviceLink',
    what: 'messages of DeviceLink',
    samples: [
      framed(encodeBinaryPlist(upload)),
      framed(encodeBinaryPlist(move)),
      framed(Buffer.from(encodeXmlPlist(move))),
    ],
    async parse(bytes) {
      const link = new DeviceLink(streamOf(bytes));
      try {
        await link.receive();
      } finally {
        await link.close();
      }
    },
    allowed: ['unexpectedReply', 'deviceGone'],
  }),
  bytesTarget({
    name: 'afc',
    what: 'packets of AFC',
    samples: [
      encodeAfcPacket({ packetNumber: 1n, operation: AfcOperation.data, body: Buffer.from('a\0b\0') }),
      encodeAfcPacket({ packetNumber: 2n, operation: AfcOperation.status, body: Buffer.alloc(8) }, Buffer.from('x')),
    ],
    parse: (bytes) => readAfcPacket(streamOf(bytes)),
    allowed: ['unexpectedReply', 'deviceGone'],
  }),
  bytesTarget({
    name: 'pairRecord',
    what: 'pair records and their certificates',
    short: 200,
    async samples() {
      const made = await makePairCertificates(rsaKey());
      const record = dict({
        HostID: 'ABCD',
        SystemBUID: 'EF01',
        RootCertificate: made.rootCertificate,
        HostCertificate: made.hostCertificate,
        HostPrivateKey: made.hostPrivateKey,
        DeviceCertificate: made.deviceCertificate,
        EscrowBag: Buffer.alloc(32),
      });
      return [encodeBinaryPlist(record), Buffer.from(encodeXmlPlist(record))];
    },
    parse(bytes) {
      const record = decodePairRecord(bytes);
      for (const read of [
        () => devicePublicKeyOf(record),
        () => tlsClientContext(tlsIdentityOf(record), 'modern'),
        () => tlsClientContext(tlsIdentityOf(record), 'legacy'),
      ]) {
        try {
          read();
        } catch (error) {
          if (!isAppError(error, 'tlsFailed')) throw error;
        }
      }
    },
    allowed: ['plist'],
  }),
  bytesTarget({
    name: 'deviceKey',
    what: "a device's public key",
    short: 400,
    samples: () => [rsaKey()],
    parse: (pem) => readDeviceKey(pem),
    allowed: ['unexpectedReply'],
  }),
];

function rsaKey(): Buffer {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return Buffer.from(publicKey.export({ type: 'pkcs1', format: 'pem' }));
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** Gives the bytes; then the peer is gone. */
function streamOf(bytes: Buffer): ByteStream {
  let at = 0;
  const readSome = async (max: number): Promise<Buffer> => {
    if (at >= bytes.length) throw new AppError('deviceGone', 'the end');
    const piece = bytes.subarray(at, at + max);
    at += piece.length;
    return piece;
  };
  const read = async (length: number): Promise<Buffer> => {
    if (at + length > bytes.length) throw new AppError('deviceGone', 'the end');
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { read, readSome, async write() {}, async close() {}, async [Symbol.asyncDispose]() {} };
}
