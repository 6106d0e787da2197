import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import {
  AfcClient,
  browseUserApps,
  Heartbeat,
  keepAwake,
  Notification,
  NotificationProxy,
  openTrustedDevice,
  pairDevice,
  parseMuxAddress,
  readPasscodeSet,
  restartDevice,
  SpringBoardClient,
  UsbmuxClient,
  type TrustedDevice,
} from '../../../src/device';
import { presets, VirtualDeviceHost } from '../../virtualDevice';

const log = silentLog;
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('services of a device', () => {
  let host: VirtualDeviceHost;
  let mux: UsbmuxClient;
  let device: TrustedDevice;

  before(async () => {
    host = await VirtualDeviceHost.start({ devices: [presets.small()], control: false });
    mux = new UsbmuxClient(parseMuxAddress(host.address), log);
    await pairDevice(mux, host.device.udid, { log });
  });

  after(() => host.stop());

  beforeEach(async () => {
    host.device.state.plug();
    device = await openTrustedDevice(mux, host.device.udid, { log });
  });

  afterEach(async () => {
    await device[Symbol.asyncDispose]();
    for (const end = Date.now() + 2000; openServices().length > 0; await sleep(2)) {
      if (Date.now() > end) assert.fail(`left open: ${openServices().join(', ')}`);
    }
  });

  const openServices = () =>
    [...host.device.state.connections].map(({ what }) => what).filter((what) => what !== 'lockdown');

  describe('notification_proxy', () => {
    it('delivers what was posted before it was closed', async () => {
      const proxy = await NotificationProxy.open(device, { log });
      await proxy.post(Notification.syncWillStart);
      await proxy.post(Notification.syncDidStart);
      await proxy.close();
      assert.deepEqual(host.device.state.postedByHosts.slice(-2), [
        'com.apple.itunes-mobdev.syncWillStart',
        'com.apple.itunes-mobdev.syncDidStart',
      ]);
    });

    it('tells what it observes, and only that', async () => {
      const heard: string[] = [];
      const proxy = await NotificationProxy.open(device, { log, onNotification: (name) => heard.push(name) });
      await proxy.observe(Notification.syncCancelRequest, Notification.passcodePresented);
      // Not confirmed: wait until the device must have taken it.
      while (heard.length === 0) {
        host.device.state.postNotification(Notification.syncSuspendRequest);
        host.device.state.postNotification(Notification.syncCancelRequest);
        await sleep(5);
      }
      assert.equal(heard[0], Notification.syncCancelRequest);
      assert.ok(!heard.includes(Notification.syncSuspendRequest));
      await proxy.close();
      heard.length = 0;
      host.device.state.postNotification(Notification.syncCancelRequest);
      await sleep(10);
      assert.deepEqual(heard, []);
    });

    it('tells when the device is unplugged, but not when it is closed here', async () => {
      let closed = 0;
      const proxy = await NotificationProxy.open(device, { log, onClosed: () => closed++ });
      await proxy.close();
      await proxy.close();
      assert.equal(closed, 0);
      await using second = await NotificationProxy.open(device, { log, onClosed: () => closed++ });
      for (const connection of host.device.state.connections) connection.abort('reset');
      while (closed === 0) await sleep(2);
      await assert.rejects(second.post(Notification.syncWillStart), has('deviceGone'));
    });
  });

  describe('AFC', () => {
    let afc: AfcClient;

    beforeEach(async () => {
      afc = await AfcClient.open(device);
    });

    afterEach(() => afc.close());

    it('lists, makes, renames and removes', async () => {
      assert.ok((await afc.readDirectory('/')).includes('DCIM'));
      await afc.makeDirectory('/Test/deep/er');
      await afc.makeDirectory('/Test/deep/er');
      await afc.writeFile('/Test/deep/ü 🎉', Buffer.from('content'));
      assert.deepEqual([...(await afc.readDirectory('/Test/deep'))].sort(), ['er', 'ü 🎉']);
      await afc.rename('/Test/deep/ü 🎉', '/Test/moved');
      await afc.remove('/Test/deep/er');
      assert.deepEqual(await afc.readDirectory('/Test/deep'), []);
      await afc.removeWithContents('/Test');
      await assert.rejects(afc.readDirectory('/Test'), has('fileNotFound'));
    });

    it('reads back what it wrote, of any size', async () => {
      for (const size of [0, 1, 65_535, 65_536, 65_537, 1_000_000]) {
        const content = Buffer.alloc(size, 'some content ');
        await afc.writeFile('/file', content);
        const info = await afc.fileInfo('/file');
        assert.equal(info.type, 'file');
        assert.equal(info.sizeBytes, size);
        assert.ok(info.modified && Math.abs(info.modified.getTime() - Date.now()) < 60_000);
        assert.ok((await afc.readFile('/file', 1_000_000))?.equals(content));
      }
      await assert.rejects(afc.readFile('/file', 999_999), has('unexpectedReply'));
      await afc.remove('/file');
    });

    it('tells no file from an empty one', async () => {
      assert.equal(await afc.readFile('/nothing', 10), undefined);
      await assert.rejects(afc.fileInfo('/nothing'), has('fileNotFound'));
      assert.equal((await afc.fileInfo('/DCIM')).type, 'directory');
    });

    it('tells how full the device is', async () => {
      const { totalBytes, freeBytes } = await afc.deviceInfo();
      assert.ok(freeBytes > 0 && freeBytes < totalBytes);
    });

    it('finds the sync lock held, and gets it when it is free', async () => {
      await using other = await AfcClient.open(device);
      const theirs = await other.openFile('/com.apple.itunes.lock_sync', 'readWriteCreate');
      await theirs.lock('exclusive');
      const ours = await afc.openFile('/com.apple.itunes.lock_sync', 'readWriteCreate');
      await assert.rejects(ours.lock('exclusive'), (error) => {
        return isAppError(error, 'deviceBusy') && error.details['afcStatus'] === 19;
      });
      await theirs.lock('unlock');
      await theirs.close();
      await ours.lock('exclusive');
      await ours.lock('unlock');
      await ours.close();
      await ours.close();
    });

    it('answers requests that are made at the same time, each its own', async () => {
      const names = ['DCIM', 'Books', 'Downloads', 'nothing'];
      const answers = await Promise.allSettled(names.map((name) => afc.fileInfo(`/${name}`)));
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
      );
    });

    it('stops reading when it is cancelled', async () => {
      await afc.writeFile('/big', Buffer.alloc(500_000));
      const abort = new AbortController();
      let blocks = 0;
      await assert.rejects(async () => {
        for await (const block of afc.readBlocks('/big', abort.signal)) {
          assert.ok(block.length > 0);
          if (++blocks === 2) abort.abort();
        }
      }, has('cancelled'));
      assert.equal(blocks, 2);
      // The connection is still in step.
      assert.equal((await afc.fileInfo('/big')).sizeBytes, 500_000);
      await afc.remove('/big');
    });

    it('says that it is gone when it is unplugged', async () => {
      for (const connection of host.device.state.connections) connection.abort('close');
      await assert.rejects(afc.readDirectory('/'), has('deviceGone'));
    });
  });

  it('installation_proxy lists the apps of the user, with what was asked for', async () => {
    const apps = await browseUserApps(device, ['CFBundleIdentifier', 'ApplicationSINF', 'iTunesMetadata']);
    const { apps: expected } = host.device.state.description;
    assert.deepEqual(
      apps.map((app) => app.get('CFBundleIdentifier')).sort(),
      expected.map(({ bundleId }) => bundleId).sort(),
    );
    const fromStore = apps.filter((app) => app.get('ApplicationSINF') instanceof Uint8Array);
    assert.equal(fromStore.length, expected.filter(({ store }) => store).length);
  });

  it('springboardservices gives icons', async () => {
    await using springBoard = await SpringBoardClient.open(device);
    const png = await springBoard.icon('org.example.notes');
    assert.equal(png?.subarray(1, 4).toString(), 'PNG');
    assert.equal(await springBoard.icon('no.such.app'), undefined);
  });

  it('assertion_agent keeps it awake until it is let go', async () => {
    const held = await keepAwake(device, 'Backup', { log });
    assert.deepEqual(openServices(), ['com.apple.mobile.assertion_agent']);
    await held[Symbol.asyncDispose]();
    assert.ok(host.device.state.logEntries.some(({ text }) => text.includes('kept awake') && text.includes('Backup')));
  });

  it('heartbeat answers the device', async () => {
    let lost = 0;
    await using heartbeat = await Heartbeat.start(device, { log, onLost: () => lost++ });
    await sleep(20);
    assert.deepEqual(openServices(), ['com.apple.mobile.heartbeat']);
    for (const connection of host.device.state.connections) connection.abort('close');
    while (lost === 0) await sleep(2);
    await heartbeat.close();
    assert.equal(lost, 1);
  });

  it('diagnostics_relay tells whether there is a passcode, and restarts', async () => {
    assert.equal(await readPasscodeSet(device), false);
    const { description } = host.device.state;
    Object.assign(description, { productVersion: '17.5' });
    assert.equal(await readPasscodeSet(device), undefined);
    Object.assign(description, { productVersion: '16.5' });
    await restartDevice(device);
    while (host.device.state.plugged) await sleep(2);
    await assert.rejects(device.getValue(undefined, 'DeviceName'), has('deviceGone'));
  });
});
