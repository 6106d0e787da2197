import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { DeviceWatcher } from '../../../src/device/usbmux/deviceWatcher';
import { UsbmuxClient } from '../../../src/device/usbmux/usbmuxClient';
import { decodePairRecord, encodePairRecord, type PairRecord } from '../../../src/device/lockdown/pairRecord';

const UDID = '00008030-001C2D223A82802E';

/**
 * The daemon of Linux distributions, without a device. It knows one address only, so it gets folders of its own in place
 * of /run and /var/lib.
 */
describe('usbmuxd itself', function () {
  let folder: string;
  let client: UsbmuxClient;
  let daemon: ChildProcess;
  let socket: string;

  before(function () {
    if (process.platform !== 'linux') this.skip(); // Elsewhere the system brings its own and there is one at most.
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'usbmuxd-'));
    for (const name of ['run', 'lib']) fs.mkdirSync(path.join(folder, name));
    socket = path.join(folder, 'run', 'usbmuxd');
    client = new UsbmuxClient({ kind: 'unix', path: socket }, silentLog);
  });

  before(start);
  after(async () => {
    await stop();
    if (folder) fs.rmSync(folder, { recursive: true });
  });

  async function start(): Promise<void> {
    const script = 'mount --bind "$1/run" /run && mount --bind "$1/lib" /var/lib && exec usbmuxd -f -p -n';
    const namespaces = process.getuid?.() === 0 ? '-m' : '-Urm';
    daemon = spawn('unshare', [namespaces, 'sh', '-c', script, 'sh', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
    let log = '';
    daemon.stderr?.on('data', (text) => (log += text));
    for (const end = Date.now() + 5000; ; await sleep(10)) {
      if (
        await client.listDevices().then(
          () => true,
          () => false,
        )
      )
        return;
      if (daemon.exitCode !== null || Date.now() > end) assert.fail(`usbmuxd did not start: ${log}`);
    }
  }

  async function stop(): Promise<void> {
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, 'exit');
    daemon.kill();
    await exited;
  }

  it('lists no device', async () => {
    assert.deepEqual(await client.listDevices(), []);
  });

  it('has a UUID that stays', async () => {
    const buid = await client.readBuid();
    assert.match(buid, /^[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}$/);
    assert.equal(await client.readBuid(), buid);
  });

  it('keeps a pair record as we wrote it, until it is deleted', async () => {
    const record: PairRecord = {
      hostId: '4A000E9F-BF54-BCB9-4ACA-B1E7564C7EB2',
      systemBuid: await client.readBuid(),
      rootCertificate: Buffer.from('-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n'),
      rootPrivateKey: Buffer.alloc(1704, 'r'),
      hostCertificate: Buffer.alloc(1000, 'h'),
      hostPrivateKey: Buffer.alloc(1704, 'k'),
      deviceCertificate: Buffer.alloc(1000, 'd'),
      escrowBag: Buffer.from([0, 1, 2, 253, 254, 255]),
      wifiMacAddress: 'aa:bb:cc:dd:ee:ff',
    };
    assert.equal(await client.readPairRecord(UDID), undefined);
    await client.savePairRecord(UDID, encodePairRecord(record, UDID));
    const file = await client.readPairRecord(UDID);
    assert.ok(file);
    assert.deepEqual(decodePairRecord(file), record);
    assert.equal(await client.deletePairRecord(UDID), true);
    assert.equal(await client.readPairRecord(UDID), undefined);
    assert.equal(await client.deletePairRecord(UDID), false);
  });

  it('knows no device to connect to', async () => {
    await assert.rejects(client.connect(1, 62078), (error) => isAppError(error, 'deviceGone'));
  });

  it('is missed while it is away, and found when it is back', async () => {
    const states: string[] = [];
    const watcher = new DeviceWatcher(client.address, silentLog, { state: ({ kind }) => states.push(kind) });
    const until = async (count: number) => {
      for (const end = Date.now() + 5000; states.length < count && Date.now() < end; await sleep(5));
    };
    try {
      watcher.start();
      await until(1);
      await stop();
      await until(2);
      await start();
      await until(3);
      assert.deepEqual(states, ['ready', 'absent', 'ready']);
    } finally {
      watcher.dispose();
    }
  });
});
