import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { openTrustedDevice, readIdentity, UsbmuxClient } from '../../../src/device';
import { makePairCertificates } from '../../../src/device/lockdown/certificates';
import { encodePairRecord } from '../../../src/device/lockdown/pairRecord';
import type { PlistValue } from '../../../src/plist';
import {
  binaryMessage,
  DEVICE_ID,
  framed,
  ScriptedLockdown,
  UDID,
  xmlMessage,
  type LockdownRequest,
  type ScriptedReply,
} from './scriptedLockdown';

const log = silentLog;
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);
const values: Readonly<Record<string, string>> = {
  DeviceName: 'A phone',
  ProductType: 'iPhone13,2',
  ProductVersion: '16.5',
  DeviceClass: 'iPhone',
  BuildVersion: '20F66',
  UniqueDeviceID: UDID,
};

const textOf = (value: PlistValue | undefined) => (typeof value === 'string' ? value : '');

/** What a well-behaved lockdown says; tests differ in single points. */
function usual({ verb, message }: LockdownRequest): ScriptedReply {
  if (verb === 'QueryType') return { Type: 'com.apple.mobile.lockdown' };
  const value = values[textOf(message.get('Key'))];
  if (verb === 'GetValue')
    return value === undefined ? { Error: 'MissingValue' } : { Key: message.get('Key'), Value: value };
  return { Error: 'InvalidResponse' };
}

describe('lockdown, when the device', () => {
  let scripted: ScriptedLockdown | undefined;

  async function start(
    answer: (request: LockdownRequest) => ScriptedReply | Promise<ScriptedReply>,
  ): Promise<UsbmuxClient> {
    scripted = new ScriptedLockdown(answer);
    await scripted.start();
    return new UsbmuxClient(scripted.mux.address, log);
  }

  const identity = async (
    answer: (request: LockdownRequest) => ScriptedReply | Promise<ScriptedReply>,
    signal?: AbortSignal,
  ) => readIdentity(await start(answer), DEVICE_ID, { log, signal });

  /** Misbehaves for one verb. */
  const except = (verb: string, reply: (request: LockdownRequest) => ScriptedReply) => (request: LockdownRequest) =>
    request.verb === verb ? reply(request) : usual(request);

  afterEach(async () => {
    for (const end = Date.now() + 1000; scripted && scripted.mux.connections > 0; await sleep(2)) {
      if (Date.now() > end) assert.fail('connections were left open');
    }
    await scripted?.mux.dispose();
  });

  it('behaves, is understood', async () => {
    assert.equal((await identity(usual)).name, 'A phone');
  });

  it('answers in binary property lists, is understood', async () => {
    const binary = (request: LockdownRequest) => {
      const reply = usual(request);
      return binaryMessage({ Request: request.verb, ...(reply as object) });
    };
    assert.equal((await identity(binary)).productVersion, '16.5');
  });

  it('answers as systems before iOS 5 did, is understood', async () => {
    const old = (request: LockdownRequest) => ({ ...(usual(request) as object), Result: 'Success' });
    assert.equal((await identity(old)).productVersion, '16.5');
  });

  it('sends control characters in its strings, is understood', async () => {
    const answer = except('GetValue', (request) => {
      const key = textOf(request.message.get('Key'));
      const value = key === 'DeviceName' ? 'Ann\x01s \x1fphone\x00' : values[key];
      const xml = `<plist version="1.0"><dict><key>Request</key><string>GetValue</string><key>Value</key><string>${value}</string></dict></plist>`;
      return framed(Buffer.from(xml));
    });
    assert.equal((await identity(answer)).name.replace(/ +/g, ' ').trim(), 'Ann s phone');
  });

  it('has no name, gets one', async () => {
    const answer = except('GetValue', (request) =>
      request.message.get('Key') === 'ProductVersion' ? usual(request) : { Error: 'MissingValue' },
    );
    assert.deepEqual(await identity(answer), {
      name: 'iPhone',
      deviceClass: 'iPhone',
      productType: 'iPhone',
      productVersion: '16.5',
    });
  });

  const problems: readonly [string, (request: LockdownRequest) => ScriptedReply, ErrorCode][] = [
    ['is in restore mode', except('QueryType', () => ({ Type: 'com.apple.mobile.restored' })), 'restoreMode'],
    ['is of an unknown kind', except('QueryType', () => ({ Type: 'other' })), 'unexpectedReply'],
    ['answers another request', () => ({ Request: 'Goodbye' }), 'unexpectedReply'],
    ['answers without a request', () => xmlMessage({ Type: 'com.apple.mobile.lockdown' }), 'unexpectedReply'],
    ['answers with an array', () => framed(Buffer.from('<plist><array/></plist>')), 'unexpectedReply'],
    ['answers with no property list', () => framed(Buffer.from('<html>')), 'unexpectedReply'],
    [
      'answers with a broken binary property list',
      () => framed(Buffer.from('bplist00zzzzzzzzzzzzzzz')),
      'unexpectedReply',
    ],
    ['announces an empty message', () => Buffer.alloc(4), 'unexpectedReply'],
    ['announces 4 GiB', () => Buffer.alloc(4, 0xff), 'unexpectedReply'],
    ['fails without a name', except('GetValue', () => ({ Result: 'Failure' })), 'deviceReportedError'],
    ['fails with an unknown name', except('GetValue', () => ({ Error: 'NewTrouble' })), 'deviceReportedError'],
    ['is locked', except('GetValue', () => ({ Error: 'PasswordProtected' })), 'deviceLocked'],
    ['does not tell its version', except('GetValue', () => ({ Error: 'MissingValue' })), 'unexpectedReply'],
    ['tells a version that is no text', except('GetValue', () => ({ Value: 16.5 })), 'unexpectedReply'],
  ];
  for (const [what, answer, code] of problems) {
    it(`${what}, says ${code}`, async () => {
      await assert.rejects(identity(answer), has(code));
    });
  }

  it('fails with an unknown name, passes it on', async () => {
    await assert.rejects(identity(except('GetValue', () => ({ Error: 'NewTrouble' }))), (error) => {
      return isAppError(error) && error.details['number'] === 'NewTrouble';
    });
  });

  it('hangs up, says deviceGone', async () => {
    await assert.rejects(
      identity((request) => void request.socket.end()),
      has('deviceGone'),
    );
    await scripted?.mux.dispose();
    await assert.rejects(
      identity(({ socket }) => {
        socket.end(Buffer.of(0, 0, 1, 0, 0x3c));
        return undefined;
      }),
      has('deviceGone'),
    );
  });

  it('says nothing, can be left', async () => {
    const abort = new AbortController();
    const asked = identity(() => {
      setImmediate(() => abort.abort());
      return undefined;
    }, abort.signal);
    await assert.rejects(asked, has('cancelled'));
  });

  describe('is paired and', () => {
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    let record: Buffer;
    let secure: { key: string; cert: Buffer };

    before(async () => {
      const made = await makePairCertificates(Buffer.from(keys.publicKey.export({ type: 'pkcs1', format: 'pem' })));
      const other = { hostId: 'H', systemBuid: 'B', escrowBag: Buffer.from('bag'), wifiMacAddress: undefined };
      record = encodePairRecord({ ...made, ...other }, UDID);
      secure = {
        key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        cert: made.deviceCertificate,
      };
    });

    async function open(answer: (request: LockdownRequest) => ScriptedReply, withTls = true) {
      scripted = new ScriptedLockdown(answer, withTls ? secure : undefined);
      scripted.pairRecord = record;
      await scripted.start();
      return openTrustedDevice(new UsbmuxClient(scripted.mux.address, log), UDID, { log });
    }

    it('behaves, is trusted', async () => {
      await using device = await open(usual);
      assert.equal(device.identity.name, 'A phone');
    });

    it('wants no TLS, is not trusted', async () => {
      const answer = except('StartSession', () => ({ SessionID: 'S', EnableSessionSSL: false }));
      await assert.rejects(open(answer, false), has('wrongDeviceKey'));
      assert.ok(!scripted?.requests.includes('GetValue'), 'nothing was asked of it');
    });

    it('does not know us, says trustStale', async () => {
      await assert.rejects(
        open(
          except('StartSession', () => ({ Error: 'InvalidHostID' })),
          false,
        ),
        has('trustStale'),
      );
    });

    it('refuses our certificate after the handshake, says trustStale', async () => {
      const answer = (request: LockdownRequest) => {
        if (!request.inSession) return usual(request);
        request.socket.destroy();
        return undefined;
      };
      await assert.rejects(open(answer), has('trustStale'));
    });

    it('hangs up once in the handshake, is trusted all the same', async () => {
      let hangUps = 1;
      const answer = (request: LockdownRequest) => {
        if (!request.inSession || hangUps-- <= 0) return usual(request);
        request.socket.destroy();
        return undefined;
      };
      await using device = await open(answer);
      assert.equal(device.identity.name, 'A phone');
    });

    it('is detached in the handshake, says deviceGone', async () => {
      const answer = (request: LockdownRequest) => {
        if (!request.inSession) return usual(request);
        if (scripted) scripted.detached = true;
        request.socket.destroy();
        return undefined;
      };
      await assert.rejects(open(answer), has('deviceGone'));
    });

    it('is another device, is not trusted', async () => {
      const answer = except('GetValue', (request) =>
        request.message.get('Key') === 'UniqueDeviceID' ? { Value: 'another' } : usual(request),
      );
      await assert.rejects(open(answer), has('wrongDeviceKey'));
    });

    for (const name of ['SessionInactive', 'InvalidConnection']) {
      it(`says ${name}, is asked again in a new session, once`, async () => {
        let refusals = 1;
        const answer = except('GetValue', (request) =>
          request.message.get('Key') === 'Once' && refusals-- > 0
            ? { Error: name }
            : request.message.get('Key') === 'Once'
              ? { Value: 1 }
              : usual(request),
        );
        await using device = await open(answer);
        assert.equal(await device.getValue(undefined, 'Once'), 1);
        assert.equal(scripted?.requests.filter((verb) => verb === 'StartSession').length, 2);
        refusals = 2;
        await assert.rejects(device.getValue(undefined, 'Once'), has('deviceReportedError'));
      });
    }

    it('does not let a value be read, says valueRefused', async () => {
      const answer = except('GetValue', (request) =>
        request.message.get('Key') === 'Secret' ? { Error: 'GetProhibited' } : usual(request),
      );
      await using device = await open(answer);
      await assert.rejects(device.getValue(undefined, 'Secret'), has('valueRefused'));
    });

    it('starts a service on no port, says unexpectedReply', async () => {
      for (const Port of [undefined, 0, -1, 65536, 1.5, '1', true]) {
        await using device = await open(except('StartService', () => ({ Port })));
        await assert.rejects(device.startService('x'), has('unexpectedReply'), String(Port));
        await device[Symbol.asyncDispose]();
        await scripted?.mux.dispose();
      }
    });

    const refusals: readonly [string, ErrorCode][] = [
      ['InvalidService', 'serviceUnavailable'],
      ['ServiceProhibited', 'serviceUnavailable'],
      ['PasswordProtected', 'deviceLocked'],
      ['EscrowLocked', 'deviceNotUnlockedSinceStart'],
    ];
    for (const [name, code] of refusals) {
      it(`refuses a service with ${name}, says ${code}`, async () => {
        await using device = await open(except('StartService', () => ({ Error: name })));
        await assert.rejects(device.startService('x', { escrow: true }), has(code));
      });
    }

    it('refuses the port of a service, says connectionRefused', async () => {
      await using device = await open(except('StartService', () => ({ Port: 50_000 })));
      await assert.rejects(device.startService('x'), has('connectionRefused'));
    });
  });
});
