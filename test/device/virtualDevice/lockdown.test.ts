import assert from 'node:assert/strict';
import type { TLSSocket } from 'node:tls';
import { describe, it } from 'mocha';
import { dict, type PlistDict } from '../../../src/plist';
import { makePairRecord, pem, RawHost, testKeys, type RawPairRecord } from '../../support/rawHost';
import { makeCertificate, newKeyPair } from '../../support/testCertificates';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

type Changes = Parameters<typeof presetNamed>[1];

async function start(changes: Changes = {}): Promise<AsyncDisposable & { host: VirtualDeviceHost; raw: RawHost }> {
  const host = await VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });
  const raw = new RawHost(host.address, host.device.state.attachments[0]?.deviceId ?? 0);
  return { host, raw, [Symbol.asyncDispose]: () => host.stop() };
}

function logged(host: VirtualDeviceHost): string {
  return host.device.state.logEntries.map(({ text }) => text).join('\n');
}

const error = (reply: PlistDict) => reply.get('Error');

describe('virtual lockdownd: values', () => {
  it('tells anybody what it is, and no more', async () => {
    await using here = await start();
    await using lockdown = await here.raw.lockdown();
    assert.equal((await lockdown.ask({ Request: 'QueryType' })).get('Type'), 'com.apple.mobile.lockdown');
    assert.equal((await lockdown.ask({ Request: 'GetValue', Key: 'ProductType' })).get('Value'), 'iPhone13,2');
    assert.equal(error(await lockdown.ask({ Request: 'GetValue', Key: 'PhoneNumber' })), 'GetProhibited');
    assert.equal(error(await lockdown.ask({ Request: 'GetValue', Key: 'NoSuchKey' })), 'MissingValue');
    assert.equal(
      error(await lockdown.ask({ Request: 'GetValue', Domain: 'com.apple.mobile.backup' })),
      'GetProhibited',
    );
    assert.equal(error(await lockdown.ask({ Request: 'SetValue', Key: 'DeviceName', Value: 'x' })), 'SetProhibited');
    const all = (await lockdown.ask({ Request: 'GetValue' })).get('Value') as PlistDict;
    assert.ok(all.has('DevicePublicKey'));
    assert.ok(!all.has('SerialNumber'));
  });

  it('reads and sets values in a session, and computes them from the state', async () => {
    await using here = await start();
    await here.raw.pair();
    await using session = await here.raw.session();
    const get = async (Domain: string | undefined, Key: string) =>
      (await session.ask({ Request: 'GetValue', Domain, Key })).get('Value');
    assert.equal(await get(undefined, 'UniqueChipID'), 0x000a1b2c3d4e001e);
    assert.equal(await get('com.apple.mobile.backup', 'WillEncrypt'), undefined);
    here.host.device.state.backupPassword = 'secret';
    assert.equal(await get('com.apple.mobile.backup', 'WillEncrypt'), true);
    assert.ok(here.host.device.state.postedByDevice.includes('com.apple.mobile.backup.domain_changed'));

    const wifi = { Domain: 'com.apple.mobile.wireless_lockdown', Key: 'EnableWifiConnections' };
    assert.equal(error(await session.ask({ Request: 'SetValue', ...wifi, Value: 'yes' })), 'SetProhibited');
    assert.equal(error(await session.ask({ Request: 'SetValue', ...wifi, Value: true })), undefined);
    assert.equal(here.host.device.state.switches.wifiConnections, true);
    assert.equal(await get(wifi.Domain, wifi.Key), true);

    await session.ask({ Request: 'SetValue', Key: 'DeviceName', Value: 'Neu 📱' });
    assert.equal(await get(undefined, 'DeviceName'), 'Neu 📱');
    assert.equal(error(await session.ask({ Request: 'SetValue', Key: 'SerialNumber', Value: 'X' })), 'ImmutableValue');
    assert.equal(error(await session.ask({ Request: 'SetValue', Value: 'X' })), 'MissingKey');
    const language = { Domain: 'com.apple.international', Key: 'Language' };
    await session.ask({ Request: 'SetValue', ...language, Value: 'fr' });
    assert.equal(await get(language.Domain, language.Key), 'fr');
    await session.ask({ Request: 'RemoveValue', ...language });
    assert.equal(await get(language.Domain, language.Key), undefined);
  });

  it('closes an idle connection', async () => {
    await using here = await start({ state: { lockdownIdleMs: 50 } });
    await using lockdown = await here.raw.lockdown();
    await lockdown.ask({ Request: 'QueryType' });
    assert.equal((await lockdown.readToEnd()).length, 0);
    assert.match(logged(here.host), /closed after 50 ms/);
  });

  for (const [what, bytes] of [
    ['is no property list', Buffer.from('0000000568656c6c6f', 'hex')],
    ['is announced with 4 GiB', Buffer.from('ffffffff', 'hex')],
  ] as const) {
    it(`closes when a message ${what}, and says so in its log`, async () => {
      await using here = await start();
      await using lockdown = await here.raw.lockdown();
      lockdown.write(bytes);
      assert.equal((await lockdown.readToEnd()).length, 0);
      assert.match(logged(here.host), /lockdown: the host .*connection closed/);
    });
  }

  it('says how it went in Result before iOS 5', async () => {
    await using here = await start({ productVersion: '4.3' });
    await using lockdown = await here.raw.lockdown();
    assert.equal((await lockdown.ask({ Request: 'QueryType' })).get('Result'), 'Success');
    assert.equal((await lockdown.ask({ Request: 'GetValue', Key: 'x' })).get('Result'), 'Failure');
  });
});

describe('virtual lockdownd: pairing', () => {
  it('asks, waits, and pairs after Trust was tapped', async () => {
    await using here = await start({ state: { trust: 'ask' } });
    const { raw, host } = here;
    const record = makePairRecord(await raw.publicKey());
    assert.equal(error(await raw.pair(record)), 'PairingDialogResponsePending');
    assert.equal(error(await raw.pair(record)), 'PairingDialogResponsePending');
    assert.equal((await host.device.summary()).trustDialog?.hostName, 'test');
    assert.notEqual(error(await raw.pair(record, false)), 'PairingDialogResponsePending');
    await host.device.trust();
    assert.equal((await raw.pair(record)).get('EscrowBag') instanceof Uint8Array, true);
    assert.deepEqual((await host.device.summary()).pairedHosts, [record.HostID]);
    assert.ok(host.device.state.postedByDevice.includes('com.apple.mobile.lockdown.request_pair'));
    await (await raw.session())[Symbol.asyncDispose]();
  });

  it('remembers a denial until it is plugged in again', async () => {
    await using here = await start({ state: { trust: 'ask' } });
    const { raw, host } = here;
    const record = makePairRecord(await raw.publicKey());
    await raw.pair(record);
    await host.device.dontTrust();
    assert.equal(error(await raw.pair(record)), 'UserDeniedPairing');
    const { attachments } = await host.device.replug();
    const again = new RawHost(host.address, attachments[0]?.deviceId ?? 0);
    assert.equal(error(await again.pair(record)), 'PairingDialogResponsePending');
  });

  const refusals: readonly (readonly [string, Changes, string])[] = [
    ['locked', { passcode: '1', state: { locked: true } }, 'PasswordProtected'],
    ['denied', { state: { trust: 'deny' } }, 'UserDeniedPairing'],
    ['forbidden by management', { state: { trust: 'forbidden' } }, 'MCProtected'],
    ['over the network', { connections: ['network'] }, 'PairingProhibitedOverThisConnection'],
  ];
  for (const [what, changes, expected] of refusals) {
    it(`is refused when ${what}`, async () => {
      await using here = await start(changes);
      assert.equal(error(await here.raw.pair()), expected);
      assert.equal(here.host.device.state.pairedHosts.size, 0);
    });
  }

  it('pairs without asking in Setup Assistant, and before iOS 7', async () => {
    await using one = await start({ state: { trust: 'ask', setupDone: false } });
    assert.equal(error(await one.raw.pair()), undefined);
    await using other = await start({ productVersion: '6.1', state: { trust: 'ask' } });
    assert.equal(error(await other.raw.pair()), undefined);
  });

  it('takes the SHA-1 certificates with serial 0 of older tools, and one certificate for root and host', async () => {
    await using here = await start();
    const key = await here.raw.publicKey();
    const old = { digest: 'sha1', serial: 0 } as const;
    assert.equal(error(await here.raw.pair(makePairRecord(key, { root: old, host: old, device: old }))), undefined);
    const record = makePairRecord(key);
    assert.equal(error(await here.raw.pair({ ...record, HostCertificate: record.RootCertificate })), undefined);
  });

  const wrong: readonly (readonly [string, (key: Uint8Array) => RawPairRecord | Record<string, unknown>, RegExp])[] = [
    [
      'DeviceCertificate carries another key',
      (key) => makePairRecord(key, { device: { publicKey: newKeyPair().publicKey } }),
      /not the device's own key/,
    ],
    [
      'HostCertificate is of another root',
      (key) => makePairRecord(key, { host: { issuer: newKeyPair() } }),
      /HostCertificate is not signed/,
    ],
    [
      'DeviceCertificate is of another root',
      (key) => makePairRecord(key, { device: { issuer: newKeyPair() } }),
      /DeviceCertificate is not signed/,
    ],
    [
      'the root is signed by another',
      (key) => makePairRecord(key, { root: { issuer: newKeyPair() } }),
      /not signed by itself/,
    ],
    ['the root is no CA', (key) => makePairRecord(key, { root: { ca: false } }), /RootCertificate has CA:FALSE/],
    [
      'DeviceCertificate is a CA',
      (key) => makePairRecord(key, { device: { ca: true } }),
      /DeviceCertificate has CA:TRUE/,
    ],
    ['keyUsage is missing', (key) => makePairRecord(key, { device: { keyUsage: false } }), /no critical keyUsage/],
    [
      'a certificate has expired',
      (key) => makePairRecord(key, { host: { notAfter: new Date(2020, 1) } }),
      /not valid any more/,
    ],
    [
      'a certificate is not valid yet',
      (key) => makePairRecord(key, { root: { notBefore: new Date(2040, 1) } }),
      /not valid yet/,
    ],
    ['HostID is no UUID', (key) => ({ ...makePairRecord(key), HostID: 'me' }), /HostID is no UUID/],
    ['SystemBUID is missing', (key) => ({ ...makePairRecord(key), SystemBUID: undefined }), /SystemBUID is missing/],
    ['a certificate is a string', (key) => ({ ...makePairRecord(key), HostCertificate: 'PEM' }), /HostCertificate/],
    [
      'a certificate is DER',
      (key) => ({ ...makePairRecord(key), HostCertificate: Buffer.from('3000', 'hex') }),
      /is no PEM/,
    ],
  ];
  for (const [what, make, reason] of wrong) {
    it(`refuses a record when ${what}`, async () => {
      await using here = await start();
      const record = make(await here.raw.publicKey()) as RawPairRecord;
      assert.equal(error(await here.raw.pair(record)), 'InvalidPairRecord');
      assert.match(logged(here.host), reason);
      assert.equal(here.host.device.state.pairedHosts.size, 0);
    });
  }

  it('notes down that private keys were sent', async () => {
    await using here = await start();
    const record = makePairRecord(await here.raw.publicKey());
    await here.raw.pair({ ...record, RootPrivateKey: Buffer.from(pem(testKeys().root)) } as RawPairRecord);
    assert.match(logged(here.host), /warning: the host has sent its RootPrivateKey/);
  });

  it('validates and forgets', async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    await using lockdown = await raw.lockdown();
    const ask = async (Request: string, PairRecord?: PlistDict) => error(await lockdown.ask({ Request, PairRecord }));
    const record = dict({ ...raw.record });
    assert.equal(await ask('ValidatePair', record), undefined);
    assert.equal(await ask('ValidatePair', dict({ ...makePairRecord(await raw.publicKey()) })), 'InvalidHostID');
    assert.equal(await ask('Unpair', dict({})), 'MissingHostID');
    assert.equal(await ask('Unpair', record), undefined);
    assert.equal(await ask('Unpair', record), 'InvalidHostID');
    await assert.rejects(raw.session(), /InvalidHostID/);
  });
});

describe('virtual lockdownd: sessions', () => {
  for (const as of ['root', 'host'] as const) {
    it(`accepts the ${as} certificate of the pair record`, async () => {
      await using here = await start();
      await here.raw.pair();
      await using session = await here.raw.session(as);
      assert.equal((await session.ask({ Request: 'GetValue', Key: 'PasswordProtected' })).get('Value'), false);
    });
  }

  it('shows the DeviceCertificate that this very host has made', async () => {
    await using here = await start();
    const other = new RawHost(here.raw.address, here.raw.deviceId);
    await here.raw.pair();
    await other.pair();
    await using session = await here.raw.session();
    const shown = (session.socket as TLSSocket).getPeerX509Certificate();
    assert.equal(shown?.toString(), here.raw.record?.DeviceCertificate.toString());
  });

  it('refuses a host without certificate, and one with a foreign certificate', async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    const foreign = newKeyPair();
    const certificate = makeCertificate({ publicKey: foreign.publicKey, issuer: foreign, ca: true });
    for (const [key, cert, reason] of [
      [undefined, undefined, /shows no certificate/],
      [pem(foreign), certificate, /not of its pair record/],
    ] as const) {
      await using lockdown = await raw.lockdown();
      await lockdown.ask({ Request: 'StartSession', HostID: raw.record?.HostID, SystemBUID: raw.record?.SystemBUID });
      // With TLS 1.3 the client learns of it only when it asks for something.
      await assert.rejects(lockdown.startTls(key, cert).then((session) => session.ask({ Request: 'QueryType' })));
      assert.match(logged(here.host), reason);
    }
  });

  it('knows its hosts by HostID and SystemBUID', async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    const { HostID, SystemBUID } = raw.record ?? {};
    await using lockdown = await raw.lockdown();
    const ask = async (message: Record<string, string | undefined>) =>
      error(await lockdown.ask({ Request: 'StartSession', ...message }));
    assert.equal(await ask({ SystemBUID }), 'MissingHostID');
    assert.equal(await ask({ HostID: 'AAAAAAAA-0000-0000-0000-000000000000', SystemBUID }), 'InvalidHostID');
    assert.equal(await ask({ HostID, SystemBUID: 'AAAAAAAA-0000-0000-0000-000000000000' }), 'InvalidHostID');
    assert.equal(await ask({ HostID }), 'InvalidHostID');
    assert.match(logged(here.host), /SystemBUID \(none\) is not that of the pair record/);
  });

  it('minds the order of session requests', async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    await using plain = await raw.lockdown();
    assert.equal(error(await plain.ask({ Request: 'StopSession', SessionID: 'x' })), 'SessionInactive');
    assert.equal(error(await plain.ask({ Request: 'ResetPairing' })), 'SessionInactive');
    assert.equal(error(await plain.ask({ Request: 'Dance' })), 'InvalidResponse');
    await using session = await raw.session();
    assert.equal(error(await session.ask({ Request: 'StartSession', HostID: raw.record?.HostID })), 'SessionActive');
    assert.equal(error(await session.ask({ Request: 'StopSession' })), 'MissingSessionID');
    assert.equal(error(await session.ask({ Request: 'StopSession', SessionID: 'x' })), 'InvalidSessionID');
  });

  it('a session is worth nothing once the host is forgotten', async () => {
    await using here = await start();
    await here.raw.pair();
    await using session = await here.raw.session();
    await here.host.device.forgetHosts();
    assert.equal(error(await session.ask({ Request: 'GetValue', Key: 'SerialNumber' })), 'GetProhibited');
    assert.equal(error(await session.ask({ Request: 'StartService', Service: 'com.apple.afc' })), 'InvalidHostID');
  });
});

describe('virtual lockdownd: services', () => {
  it('starts nothing without a session but the insecure notification proxy', async () => {
    await using here = await start();
    await using lockdown = await here.raw.lockdown();
    const ask = (Service?: string) => lockdown.ask({ Request: 'StartService', Service });
    assert.equal(error(await ask('com.apple.afc')), 'SessionInactive');
    assert.equal(error(await ask()), 'MissingService');
    const reply = await ask('com.apple.mobile.insecure_notification_proxy');
    assert.equal(reply.has('EnableServiceSSL'), false);
    await using proxy = await here.raw.connect(reply.get('Port') as number);
    assert.equal((await proxy.ask({ Command: 'Shutdown' })).get('Command'), 'ProxyDeath');
  });

  it('does not know every service', async () => {
    await using here = await start();
    await here.raw.pair();
    await assert.rejects(here.raw.service('com.apple.nothing'), /InvalidService/);
  });

  it("a service's port is good for one connection", async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    await using session = await raw.session();
    const port = (await session.ask({ Request: 'StartService', Service: 'com.apple.afc' })).get('Port') as number;
    await using first = await raw.connect(port);
    await assert.rejects(raw.connect(port), /Result 3/);
    assert.equal(first.ended, false);
    assert.match(logged(here.host), /refused: nothing was started there/);
  });

  it("a service's port is gone after unplugging", async () => {
    await using here = await start();
    const { raw, host } = here;
    await raw.pair();
    await using session = await raw.session();
    const port = (await session.ask({ Request: 'StartService', Service: 'com.apple.afc' })).get('Port') as number;
    const { attachments } = await host.device.replug();
    const again = new RawHost(host.address, attachments[0]?.deviceId ?? 0);
    await assert.rejects(again.connect(port), /Result 3/);
    await assert.rejects(raw.connect(port), /Result 2/);
  });

  it('wants TLS on a service connection with the certificates of the host that started it', async () => {
    await using here = await start();
    const { raw } = here;
    await raw.pair();
    await using session = await raw.session();
    const reply = await session.ask({ Request: 'StartService', Service: 'com.apple.mobile.notification_proxy' });
    assert.equal(reply.get('EnableServiceSSL'), true);
    await using plain = await raw.connect(reply.get('Port') as number);
    plain.sendPlist({ Command: 'Shutdown' });
    await plain.readToEnd();
    assert.match(logged(here.host), /notification_proxy: TLS handshake failed/);
  });

  it('looks at the escrow bag while it is locked', async () => {
    await using here = await start({ passcode: '1234' });
    const { raw, host } = here;
    await raw.pair();
    const name = 'com.apple.mobile.notification_proxy';
    const bag = Buffer.from(raw.escrowBag ?? []);
    await host.device.lock();
    await using good = await raw.service(name, { EscrowBag: bag });
    assert.equal((await good.ask({ Command: 'Shutdown' })).get('Command'), 'ProxyDeath');
    await assert.rejects(raw.service(name, { EscrowBag: Buffer.alloc(32) }), /PasswordProtected/);
    await host.device.set({ escrowLocked: true });
    await assert.rejects(raw.service(name, { EscrowBag: bag }), /EscrowLocked/);
    await host.device.unlock();
    await using again = await raw.service(name, { EscrowBag: bag });
    assert.equal((await again.ask({ Command: 'Shutdown' })).get('Command'), 'ProxyDeath');
  });
});
