import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';
import { decodeFilesRow } from '../../../src/backups/format/fileRecord';
import { parseKeybag, unlockKeybag } from '../../../src/backups/format/keybag';
import { parseManifestMbdb } from '../../../src/backups/format/manifestMbdb';
import { readManifestPlist } from '../../../src/backups/format/manifestPlist';
import { plistText } from '../../../src/backups/reader/plistText';
import { AppError, isAppError, type ErrorCode } from '../../../src/base/errors';
import type { ByteStream } from '../../../src/device/io/byteStream';
import { decodePairRecord, devicePublicKeyOf } from '../../../src/device/lockdown/pairRecord';
import { PlistChannel } from '../../../src/device/lockdown/plistChannel';
import { BufferedInput } from '../../../src/device/mobilebackup2/bufferedInput';
import { DeviceLink } from '../../../src/device/mobilebackup2/deviceLink';
import { AfcOperation, encodeAfcPacket, readAfcPacket } from '../../../src/device/services/afcPacket';
import { decodeMuxDevice } from '../../../src/device/usbmux/muxDevice';
import { encodeFrame, readFrame } from '../../../src/device/usbmux/frame';
import { Params } from '../../../src/engine/params';
import {
  asDict,
  dict,
  encodeBinaryPlist,
  encodeXmlPlist,
  isPlistError,
  parsePlist,
  PlistReal,
  type PlistValue,
} from '../../../src/plist';
import { readMessage as readDatabaseMessage } from '../../../src/views/sqliteEditor/readMessage';
import { hex, vectors } from '../../support/backupVectors';
import { hostileBytes } from './hostileBytes';

/**
 * `FUZZ_RUNS=1000000 FUZZ_SEED=7 node test/run.mjs test/unit/hostile`: so many hostile inputs for each parser. Without
 * it a short run; the seed is printed, and a failure tells it with the smallest input that shows it.
 */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** No input of some hundred bytes may keep a parser busy longer. */
const MAX_MS = 1_000;

describe(`parsers, given hostile bytes (seed ${SEED})`, function () {
  this.timeout(Math.max(20_000, RUNS * 20));
  let folder: string;
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hostile-'))));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** It reads them or fails with one of `codes` (`plist`: a PlistError), in time; any other error is a bug. */
  function parser(
    what: string,
    sound: readonly Buffer[],
    parse: (bytes: Buffer) => unknown,
    ...codes: readonly (ErrorCode | 'plist')[]
  ): void {
    it(what, async () => {
      // Bytes that nobody has changed are read: else the test would show nothing.
      for (const bytes of sound) await parse(Buffer.from(bytes));
      const property = fc.asyncProperty(hostileBytes(...sound), async (bytes) => {
        const began = performance.now();
        try {
          await parse(bytes);
        } catch (error) {
          const typed = isPlistError(error) ? codes.includes('plist') : isAppError(error) && codes.includes(error.code);
          if (!typed) throw error;
        }
        assert.ok(performance.now() - began < MAX_MS, 'it took too long');
      });
      await fc.assert(property, { numRuns: RUNS, seed: SEED });
    });
  }

  const keybag = hex(vectors.keybag.blob);
  parser(
    'the keybag',
    [keybag],
    (bytes) => {
      const parsed = parseKeybag(bytes);
      assert.ok(parsed.derivation.rounds <= 100_000_000 && (parsed.derivation.first?.rounds ?? 0) <= 100_000_000);
      try {
        unlockKeybag(parsed, Buffer.alloc(32)).clear();
      } catch (error) {
        if (!isAppError(error, 'wrongPassword')) throw error;
      }
    },
    'keybagDamaged',
  );

  parser('Manifest.mbdb', [hex(vectors.mbdb.file)], (bytes) => parseManifestMbdb(bytes), 'backupDamaged');

  parser(
    'records of Manifest.db',
    vectors.files.map(({ mbfile }) => hex(mbfile)),
    (file) => decodeFilesRow({ fileID: '00', domain: 'd', relativePath: 'p', flags: 1, file }),
    'plist',
  );

  const manifest = dict({
    Version: '10.0',
    Date: new Date(0),
    IsEncrypted: true,
    WasPasscodeSet: true,
    BackupKeyBag: keybag,
    ManifestKey: Buffer.alloc(44),
    Lockdown: dict({ ProductVersion: '17.0' }),
    Applications: dict({ 'com.example': dict({ Path: '/var' }) }),
  });
  parser(
    'Manifest.plist',
    [encodeBinaryPlist(manifest), Buffer.from(encodeXmlPlist(manifest))],
    (bytes) => {
      fs.writeFileSync(path.join(folder, 'Manifest.plist'), bytes);
      return readManifestPlist(folder);
    },
    'backupDamaged',
  );

  parser(
    'a property list that is shown as text',
    [encodeBinaryPlist(manifest), Buffer.from(encodeXmlPlist(manifest)), hex(vectors.files[0]?.mbfile ?? '')],
    (bytes) => plistText(bytes),
    'plist',
  );

  const attached = dict({
    MessageType: 'Attached',
    DeviceID: 3,
    Properties: dict({ ConnectionType: 'USB', SerialNumber: '00008101000A1B2C3D4E001E', ProductID: 4776 }),
  });
  parser(
    'frames of usbmux',
    [encodeFrame(1, Buffer.from(encodeXmlPlist(attached))), encodeFrame(0, encodeBinaryPlist(attached))],
    async (bytes) => {
      const { body } = await readFrame(streamOf(bytes));
      decodeMuxDevice(asDict(parsePlist(body), 'message'));
    },
    'muxProtocol',
    'deviceGone',
    'plist',
  );

  const record = vectorsRecord();
  parser(
    'a pair record',
    [encodeBinaryPlist(record), Buffer.from(encodeXmlPlist(record))],
    (bytes) => {
      const read = decodePairRecord(bytes);
      try {
        devicePublicKeyOf(read);
      } catch (error) {
        if (!isAppError(error, 'tlsFailed')) throw error;
      }
    },
    'plist',
  );

  const answer = dict({ Request: 'GetValue', Key: 'DeviceName', Value: 'Phone' });
  parser(
    'frames of lockdown',
    [framed(Buffer.from(encodeXmlPlist(answer))), framed(encodeBinaryPlist(answer))],
    (bytes) => new PlistChannel({ ...streamOf(bytes), abort() {} }, 'lockdown').receive(),
    'unexpectedReply',
    'deviceGone',
  );

  const upload: PlistValue[] = ['DLMessageUploadFiles', dict({}), new PlistReal(12.5), 1000];
  const move: PlistValue[] = ['DLMessageMoveItems', new Map([['a/b', 'c/d']]), dict({}), new PlistReal(1)];
  parser(
    'frames of DeviceLink',
    [framed(encodeBinaryPlist(upload)), framed(encodeBinaryPlist(move)), framed(Buffer.from(encodeXmlPlist(move)))],
    async (bytes) => {
      const link = new DeviceLink(streamOf(bytes));
      try {
        await link.receive();
      } finally {
        await link.close();
      }
    },
    'unexpectedReply',
    'deviceGone',
  );

  parser(
    'packets of AFC',
    [
      encodeAfcPacket({ packetNumber: 1n, operation: AfcOperation.data, body: Buffer.from('a\0b\0') }),
      encodeAfcPacket({ packetNumber: 2n, operation: AfcOperation.status, body: Buffer.alloc(8) }, Buffer.from('x')),
    ],
    (bytes) => readAfcPacket(streamOf(bytes)),
    'unexpectedReply',
    'deviceGone',
  );

  it('a stream in pieces of any size gives the same bytes', async () => {
    const property = fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), async (pieces) => {
      const whole = Buffer.concat(pieces);
      const input = new BufferedInput(streamOf(...pieces.map((piece) => Buffer.from(piece))));
      const half = Math.floor(whole.length / 2);
      assert.deepEqual(await input.read(half), whole.subarray(0, half));
      assert.deepEqual(await input.read(whole.length - half), whole.subarray(half));
      await assert.rejects(input.read(1), (error) => isAppError(error, 'deviceGone'));
    });
    await fc.assert(property, { numRuns: Math.min(RUNS, 5_000), seed: SEED });
  });

  const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, maxDepth: 3 });
  const field = fc.constantFrom('a', '__proto__', 'constructor', 'toString', 'udid', 'hasOwnProperty');
  const readers: Readonly<Record<string, (params: Params, name: string) => unknown>> = {
    text: (params, name) => params.text(name),
    optionalText: (params, name) => params.optionalText(name),
    udid: (params) => assert.match(params.udid(), /^[0-9A-Za-z-]{8,64}$/),
    path: (params, name) => assert.ok(path.isAbsolute(params.path(name))),
    paths: (params, name) => params.paths(name).forEach((one) => assert.ok(path.isAbsolute(one))),
    flag: (params, name) => assert.equal(typeof params.flag(name), 'boolean'),
    count: (params, name) => assert.ok(params.count(name) >= 0),
    oneOf: (params, name) => assert.ok(['x', 'y'].includes(params.oneOf(name, ['x', 'y']))),
    inner: (params, name) => params.inner(name).has('a'),
  };

  it('requests to the engine', () => {
    const property = fc.property(
      fc.oneof(anything, fc.dictionary(field, anything)),
      field,
      fc.constantFrom(...Object.values(readers)),
      (value, name, read) => {
        try {
          read(new Params(value), name);
        } catch (error) {
          if (!isAppError(error, 'notAllowed')) throw error;
          assert.ok(error.message.length < 200, 'what was sent is not repeated');
        }
      },
    );
    fc.assert(property, { numRuns: RUNS, seed: SEED });
  });

  it('messages of the page that shows databases', () => {
    const view = fc.dictionary(fc.constantFrom('table', 'offset', 'filter', 'sort'), anything);
    const message = fc.record({
      type: fc.constantFrom('ready', 'rows', 'cell', 'x'),
      view,
      row: anything,
      column: anything,
    });
    const property = fc.property(fc.oneof(anything, message), (value) => {
      try {
        readDatabaseMessage(value);
      } catch (error) {
        if (!isAppError(error, 'notAllowed')) throw error;
      }
    });
    fc.assert(property, { numRuns: RUNS, seed: SEED });
  });
});

/** Gives the pieces one after the other; then the peer is gone. */
function streamOf(...pieces: readonly Buffer[]): ByteStream {
  const left = [...pieces];
  const readSome = async (max: number): Promise<Buffer> => {
    const piece = left.shift();
    if (!piece || piece.length === 0) throw new AppError('deviceGone', 'the end');
    if (piece.length > max) left.unshift(piece.subarray(max));
    return piece.subarray(0, max);
  };
  const read = async (length: number): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      const part = await readSome(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  };
  return { read, readSome, async write() {}, async close() {}, async [Symbol.asyncDispose]() {} };
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function vectorsRecord() {
  const pem = Buffer.from('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  return dict({
    HostID: 'ABCD',
    SystemBUID: 'EF01',
    RootCertificate: pem,
    HostCertificate: pem,
    HostPrivateKey: pem,
    DeviceCertificate: pem,
    EscrowBag: Buffer.alloc(32),
  });
}
