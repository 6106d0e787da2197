import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import {
  checkTrust,
  openTrustedDevice,
  pairDevice,
  parseMuxAddress,
  unpairDevice,
  UsbmuxClient,
  type TrustState,
} from '../../../src/device';
import { makePairCertificates } from '../../../src/device/lockdown/certificates';
import { decodePairRecord, encodePairRecord } from '../../../src/device/lockdown/pairRecord';
import { asDict, encodeBinaryPlist, parsePlist, PlistError } from '../../../src/plist';
import {
  DEFAULT_SWITCHES,
  presets,
  VirtualDeviceHost,
  type DeviceDescription,
  type Switches,
} from '../../virtualDevice';

const run = promisify(execFile);
const log = silentLog;
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('pairing', () => {
  let host: VirtualDeviceHost;
  let mux: UsbmuxClient;
  let udid: string;

  async function start(state: Partial<Switches> = {}, description: Partial<DeviceDescription> = {}): Promise<void> {
    const device = { ...presets.small(), ...description, state: { ...DEFAULT_SWITCHES, ...state } };
    host = await VirtualDeviceHost.start({ devices: [device], control: false });
    mux = new UsbmuxClient(parseMuxAddress(host.address), log);
    udid = device.udid;
  }

  afterEach(() => host.stop());

  const pair = (signal?: AbortSignal, onState?: (state: TrustState) => void) =>
    pairDevice(mux, udid, { log, signal, ...(onState ? { onState } : {}), hostName: 'test computer' });
  const storedRecord = async () => {
    const file = await mux.readPairRecord(udid);
    assert.ok(file, 'there is a pair record');
    return decodePairRecord(file);
  };
  const untilDialog = async () => {
    while (!host.device.state.trustDialog.asking) await sleep(2);
  };
  const untilIdle = async () => {
    while (host.device.state.connections.size > 0) await sleep(2);
  };
  const imobiledevice = (...command: readonly [string, ...string[]]) => {
    const [program, ...args] = command;
    return run(program, args, { env: { ...process.env, USBMUXD_SOCKET_ADDRESS: host.address } });
  };

  it('keeps a complete record, which works at once', async () => {
    await start();
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'untrusted' });
    const states: TrustState['kind'][] = [];
    await pair(undefined, ({ kind }) => states.push(kind));
    assert.deepEqual(states, ['trusted']);
    const record = await storedRecord();
    assert.match(record.hostId, /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    assert.equal(record.systemBuid, host.mux.buid);
    assert.ok(record.escrowBag && record.escrowBag.length > 0);
    assert.match(record.wifiMacAddress ?? '', /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.ok(record.rootPrivateKey);
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'trusted' });
    await untilIdle();
  });

  it('never shows the device a private key', async () => {
    await start();
    await pair();
    const warnings = host.device.state.logEntries.filter(({ text }) => text.includes('PrivateKey'));
    assert.deepEqual(warnings, []);
  });

  it('is the same host for a device that it is paired with again', async () => {
    await start();
    await pair();
    const first = await storedRecord();
    await unpairDevice(mux, udid, { log });
    await pair();
    assert.equal((await storedRecord()).hostId, first.hostId);
  });

  it('takes the HostID that the caller wants', async () => {
    await start();
    await pairDevice(mux, udid, { log, hostId: '11111111-2222-3333-4444-555555555555' });
    assert.equal((await storedRecord()).hostId, '11111111-2222-3333-4444-555555555555');
  });

  it('waits for the tap on Trust', async () => {
    await start({ trust: 'ask' });
    const states: TrustState['kind'][] = [];
    const paired = pair(undefined, ({ kind }) => states.push(kind));
    await untilDialog();
    assert.equal(host.device.state.trustDialog.asking?.hostName, 'test computer');
    await sleep(20);
    assert.deepEqual(states, ['waitingForTrust']);
    await host.device.trust();
    await paired;
    assert.deepEqual(states, ['waitingForTrust', 'trusted']);
  });

  it('says that Trust was declined, until the device is replugged', async () => {
    await start({ trust: 'ask' });
    const paired = assert.rejects(pair(), has('trustDenied'));
    await untilDialog();
    await host.device.dontTrust();
    await paired;
    await assert.rejects(pair(), has('trustDenied'));
    await host.device.replug();
    const again = pair();
    await untilDialog();
    await host.device.trust();
    await again;
    await untilIdle();
  });

  it('waits while the device is locked', async () => {
    await start({ locked: true }, { passcode: '1234' });
    const states: TrustState['kind'][] = [];
    const paired = pair(undefined, ({ kind }) => states.push(kind));
    while (states.length === 0) await sleep(2);
    await host.device.unlock();
    await paired;
    assert.deepEqual(states, ['locked', 'trusted']);
  });

  it('says that management forbids it', async () => {
    await start({ trust: 'forbidden' });
    await assert.rejects(pair(), has('trustForbidden'));
  });

  it('needs the cable', async () => {
    await start({}, { connections: ['network'] });
    await assert.rejects(pair(), has('trustNeedsCable'));
  });

  it('says that the device is not there', async () => {
    await start();
    await assert.rejects(pairDevice(mux, 'other', { log }), has('deviceNotFound'));
    await host.device.unplug();
    await assert.rejects(pair(), has('noDevice'));
  });

  it('ends when it is cancelled', async () => {
    await start({ trust: 'ask' });
    const abort = new AbortController();
    const paired = assert.rejects(pair(abort.signal), has('cancelled'));
    await untilDialog();
    abort.abort();
    await paired;
    await untilIdle();
    assert.equal(await mux.readPairRecord(udid), undefined);
  });

  it('ends when the device is unplugged', async () => {
    await start({ trust: 'ask' });
    const paired = assert.rejects(pair(), has('deviceGone'));
    await untilDialog();
    await host.device.unplug();
    await paired;
  });

  it('uses a record that works as it is', async () => {
    await start();
    await pair();
    const before = await mux.readPairRecord(udid);
    await pair();
    assert.deepEqual(await mux.readPairRecord(udid), before);
  });

  it('sees that the device has forgotten this computer, and renews the record under the same HostID', async () => {
    await start();
    await pair();
    const before = await storedRecord();
    await host.device.forgetHosts();
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'stale' });
    await assert.rejects(openTrustedDevice(mux, udid, { log }), has('trustStale'));
    await pair();
    const after = await storedRecord();
    assert.equal(after.hostId, before.hostId);
    assert.notDeepEqual(after.hostCertificate, before.hostCertificate);
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'trusted' });
  });

  it('takes a record that cannot be read for stale, and replaces it', async () => {
    await start();
    await mux.savePairRecord(udid, encodeBinaryPlist(new Map([['HostID', 'X']])));
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'stale' });
    await pair();
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'trusted' });
  });

  it('does not trust a device with another key, and does not pair with it either', async () => {
    await start();
    await pair();
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { deviceCertificate } = await makePairCertificates(
      Buffer.from(stranger.publicKey.export({ type: 'pkcs1', format: 'pem' })),
    );
    const key = stranger.privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const paired of host.device.state.pairedHosts.values()) {
      paired.tls = Promise.resolve(tls.createSecureContext({ key, cert: deviceCertificate }));
    }
    assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'wrongKey' });
    await assert.rejects(openTrustedDevice(mux, udid, { log }), has('wrongDeviceKey'));
    const before = await mux.readPairRecord(udid);
    await assert.rejects(pair(), has('wrongDeviceKey'));
    assert.deepEqual(await mux.readPairRecord(udid), before);
    // Forgetting it is the way out.
    assert.equal((await unpairDevice(mux, udid, { log })).recordDeleted, true);
  });

  it('says so when the record cannot be kept', async () => {
    await start();
    host.mux.records.save = () => {
      throw new PlistError('no space left');
    };
    await assert.rejects(pair(), (error) => {
      return isAppError(error, 'trustFailed') && error.details['finding'] === 'pairRecordNotKept';
    });
  });

  describe('with other programs on this computer', () => {
    it('uses the record that libimobiledevice has made', async () => {
      await start();
      await imobiledevice('idevicepair', 'pair');
      const before = await mux.readPairRecord(udid);
      assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'trusted' });
      await pair();
      assert.deepEqual(await mux.readPairRecord(udid), before);
      await using device = await openTrustedDevice(mux, udid, { log });
      assert.equal(await device.getValue(undefined, 'UniqueDeviceID'), udid);
    });

    it('uses records with keys in PKCS#1, as Apple writes them', async () => {
      await start();
      await pair();
      const record = new Map(asDict(parsePlist((await mux.readPairRecord(udid)) as Buffer), 'record'));
      for (const name of ['RootPrivateKey', 'HostPrivateKey']) {
        const key = createPrivateKey(record.get(name) as Buffer);
        record.set(name, Buffer.from(key.export({ type: 'pkcs1', format: 'pem' })));
      }
      await mux.savePairRecord(udid, encodeBinaryPlist(record));
      assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'trusted' });
    });

    it('makes a record that libimobiledevice uses', async () => {
      await start();
      await pair();
      assert.match((await imobiledevice('idevicepair', 'validate')).stdout, /SUCCESS/);
      assert.match((await imobiledevice('ideviceinfo', '-k', 'DeviceName')).stdout, /Ann's iPhone/);
    });

    it('takes the record of whoever was faster to answer the tap', async () => {
      await start();
      await imobiledevice('idevicepair', 'pair');
      const theirs = await mux.readPairRecord(udid);
      assert.ok(theirs);
      const [[hostId, known] = []] = [...host.device.state.pairedHosts];
      assert.ok(hostId && known);
      await mux.deletePairRecord(udid);
      await host.device.forgetHosts();
      await host.device.set({ trust: 'ask' });
      const paired = pair();
      await untilDialog();
      // Nobody has tapped for us, but the other program's pairing has gone through.
      host.device.state.pairedHosts.set(hostId, known);
      await mux.savePairRecord(udid, theirs);
      await paired;
      assert.deepEqual(await mux.readPairRecord(udid), theirs);
      assert.equal(host.device.state.pairedHosts.size, 1);
    });
  });

  describe('ends by unpairing', () => {
    it('on both sides', async () => {
      await start();
      await pair();
      assert.deepEqual(await unpairDevice(mux, udid, { log }), { deviceTold: true, recordDeleted: true });
      assert.equal(host.device.state.pairedHosts.size, 0);
      assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'untrusted' });
      assert.deepEqual(await unpairDevice(mux, udid, { log }), { deviceTold: false, recordDeleted: false });
    });

    it('here only, when the device is not there', async () => {
      await start();
      await pair();
      await host.device.unplug();
      assert.deepEqual(await unpairDevice(mux, udid, { log }), { deviceTold: false, recordDeleted: true });
    });

    it('here only, when the device has forgotten us already', async () => {
      await start();
      await pair();
      await host.device.forgetHosts();
      assert.deepEqual(await unpairDevice(mux, udid, { log }), { deviceTold: false, recordDeleted: true });
    });

    it('over Wi-Fi inside a session', async () => {
      await start();
      await pair();
      const record = await storedRecord();
      const known = [...host.device.state.pairedHosts];
      await host.stop();
      await start({}, { connections: ['network'] });
      for (const [hostId, paired] of known) host.device.state.pairedHosts.set(hostId, paired);
      await mux.savePairRecord(udid, encodePairRecord(record, udid));
      assert.deepEqual(await unpairDevice(mux, udid, { log }), { deviceTold: true, recordDeleted: true });
      assert.equal(host.device.state.pairedHosts.size, 0);
    });
  });

  it('shows the device certificates that belong together', async () => {
    await start();
    await pair();
    const record = await storedRecord();
    const root = new X509Certificate(record.rootCertificate);
    for (const pem of [record.rootCertificate, record.hostCertificate, record.deviceCertificate]) {
      assert.ok(new X509Certificate(pem).verify(root.publicKey));
    }
  });
});
