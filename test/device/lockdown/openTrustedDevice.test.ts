import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import {
  checkTrust,
  openTrustedDevice,
  pairDevice,
  parseMuxAddress,
  readDetails,
  readIdentity,
  UsbmuxClient,
  type TrustedDevice,
} from '../../../src/device';
import { DEFAULT_SWITCHES, presets, VirtualDeviceHost } from '../../virtualDevice';

const log = silentLog;
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('a trusted device', () => {
  let host: VirtualDeviceHost;
  let mux: UsbmuxClient;
  let udid: string;
  let device: TrustedDevice;

  before(async () => {
    host = await VirtualDeviceHost.start({ devices: [{ ...presets.small(), passcode: '1234' }], control: false });
    mux = new UsbmuxClient(parseMuxAddress(host.address), log);
    udid = host.device.udid;
    await pairDevice(mux, udid, { log });
  });

  after(() => host.stop());

  beforeEach(async () => {
    host.device.state.setSwitches({ ...DEFAULT_SWITCHES, escrowLocked: undefined, lockdownIdleMs: undefined });
    host.device.state.plug();
    device = await openTrustedDevice(mux, udid, { log });
  });

  afterEach(async () => {
    await device[Symbol.asyncDispose]();
    for (const end = Date.now() + 2000; host.device.state.connections.size > 0; await sleep(2)) {
      if (Date.now() > end) assert.fail('connections were left open');
    }
  });

  const inSession = () => [...host.device.state.connections].filter(({ what }) => what === 'lockdown').length;

  it('tells who it is', async () => {
    const { deviceId } = await mux.findDevice(udid);
    const expected = {
      name: "Ann's iPhone",
      deviceClass: 'iPhone',
      productType: 'iPhone13,2',
      productVersion: '16.5',
      buildVersion: '20F66',
    };
    assert.deepEqual(await readIdentity(mux, deviceId, { log }), expected);
    assert.deepEqual(device.identity, expected);
    assert.equal(device.udid, udid);
    assert.equal(device.connection, 'usb');
    assert.equal(device.deviceId, deviceId);
  });

  it('gives values, whole domains, and nothing where nothing is', async () => {
    assert.equal(await device.getValue(undefined, 'SerialNumber'), 'F2LXN0PTDV1A');
    const battery = await device.getValue('com.apple.mobile.battery');
    assert.ok(battery instanceof Map);
    assert.equal(battery.get('BatteryCurrentCapacity'), 87);
    assert.equal(await device.getValue('com.apple.mobile.backup', 'WillEncrypt'), undefined);
    assert.equal(await device.getValue(undefined, 'NoSuchKey'), undefined);
  });

  it('answers requests that are made at the same time, each its own', async () => {
    const keys = ['DeviceName', 'ProductType', 'SerialNumber', 'BuildVersion', 'UniqueDeviceID'];
    const values = await Promise.all(keys.map((key) => device.getValue(undefined, key)));
    assert.deepEqual(values, ["Ann's iPhone", 'iPhone13,2', 'F2LXN0PTDV1A', '20F66', udid]);
    assert.equal(inSession(), 1);
  });

  it('keeps what is set', async () => {
    await device.setValue('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections', true);
    assert.equal(await device.getValue('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections'), true);
    await device.setValue('com.apple.mobile.wireless_lockdown', 'EnableWifiConnections', false);
    await assert.rejects(device.setValue(undefined, 'UniqueDeviceID', 'x'), has('valueRefused'));
  });

  it('goes on after the device has closed an idle session', async () => {
    host.device.state.setSwitches({ lockdownIdleMs: 20 });
    await device.getValue(undefined, 'DeviceName');
    while (inSession() > 0) await sleep(5);
    assert.equal(await device.getValue(undefined, 'SerialNumber'), 'F2LXN0PTDV1A');
  });

  it('goes on when the session ends just as it is used', async () => {
    for (const connection of host.device.state.connections) connection.abort('close');
    assert.equal(await device.getValue(undefined, 'SerialNumber'), 'F2LXN0PTDV1A');
  });

  it('says that it is gone when it is unplugged', async () => {
    await host.device.unplug();
    await assert.rejects(device.getValue(undefined, 'SerialNumber'), has('deviceGone'));
    host.device.state.plug();
    // Another attachment is another connection: it has to be opened again.
    await assert.rejects(device.getValue(undefined, 'SerialNumber'), has('deviceGone'));
  });

  it('can be cancelled in the middle of a request, and used afterwards', async () => {
    const abort = new AbortController();
    const value = assert.rejects(device.getValue(undefined, 'SerialNumber', abort.signal), has('cancelled'));
    abort.abort();
    await value;
    assert.equal(await device.getValue(undefined, 'SerialNumber'), 'F2LXN0PTDV1A');
  });

  it('starts a service and speaks TLS with it', async () => {
    const stream = await device.startService('com.apple.afc');
    await stream.write(Buffer.from('4346413650414141'.padEnd(80, '0'), 'hex'));
    await stream.close();
  });

  it('says that it does not offer a service', async () => {
    await assert.rejects(device.startService('com.apple.nothing'), has('serviceUnavailable'));
  });

  it('says that it has to be unlocked once after a restart', async () => {
    host.device.state.setSwitches({ locked: true, escrowLocked: true });
    const start = device.startService('com.apple.mobilebackup2', { escrow: true });
    await assert.rejects(start, has('deviceNotUnlockedSinceStart'));
  });

  it('hands over the escrow bag, which opens a service of a locked device', async () => {
    host.device.state.setSwitches({ locked: true });
    const stream = await device.startService('com.apple.mobilebackup2', { escrow: true });
    await stream.close();
    const complaints = host.device.state.logEntries.filter(({ text }) => text.includes('EscrowBag is not'));
    assert.deepEqual(complaints, []);
  });

  it('refuses to work after it was closed', async () => {
    await device[Symbol.asyncDispose]();
    await assert.rejects(device.getValue(undefined, 'SerialNumber'), /closed/);
  });

  it('tells its details', async () => {
    host.device.state.setSwitches({ findMy: true, wifiConnections: true, cloudBackup: true, encryptionRequired: true });
    const details = await readDetails(device);
    assert.deepEqual(details.battery, { percent: 87, charging: true });
    assert.deepEqual(details.storage, { total: 128_000_000_000, free: 61_000_000_000 });
    assert.deepEqual(details.backup, {
      willEncrypt: false,
      requiresEncryption: true,
      cloudBackupEnabled: true,
      lastCloudBackup: new Date(978_307_200_000 + 738_600_000_000).toISOString(),
    });
    assert.equal(details.serialNumber, 'F2LXN0PTDV1A');
    assert.equal(details.findMy, true);
    assert.equal(details.setupDone, true);
    assert.equal(details.supervised, false);
    host.device.state.setSwitches({ backupPassword: 'secret' });
    assert.equal((await readDetails(device)).backup.willEncrypt, true);
  });

  it('needs no more than TLS 1.0, if its system is that old', async () => {
    const paired = [...host.device.state.pairedHosts.values()];
    const key = createPrivateKey((await host.device.state.keys.get()).privateKey).export({
      type: 'pkcs8',
      format: 'pem',
    });
    for (const one of paired) {
      one.tls = Promise.resolve(
        tls.createSecureContext({
          key,
          cert: one.deviceCertificate,
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1',
          ciphers: 'DEFAULT:@SECLEVEL=0',
        }),
      );
    }
    const { description } = host.device.state;
    try {
      // A modern system that does that is not the device that we know.
      assert.deepEqual(await checkTrust(mux, udid, { log }), { kind: 'stale' });
      Object.assign(description, { productVersion: '9.3.5' });
      await using old = await openTrustedDevice(mux, udid, { log });
      assert.equal(await old.getValue(undefined, 'ProductVersion'), '9.3.5');
      const service = await old.startService('com.apple.afc');
      await service.close();
    } finally {
      Object.assign(description, { productVersion: '16.5' });
      for (const one of paired) delete one.tls;
    }
  });

  it('can be opened many times at once', async () => {
    const devices = await Promise.all(Array.from({ length: 8 }, () => openTrustedDevice(mux, udid, { log })));
    const names = await Promise.all(devices.map((one) => one.getValue(undefined, 'DeviceName')));
    assert.deepEqual(new Set(names), new Set(["Ann's iPhone"]));
    await Promise.all(devices.map((one) => one[Symbol.asyncDispose]()));
  });
});
