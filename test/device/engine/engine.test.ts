import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import type { DeviceInfo } from '../../../src/device';
import type { EngineClient } from '../../../src/engine/client';
import type { EngineState, Job } from '../../../src/engine/protocol';
import { makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { presets, VirtualDeviceHost, type DeviceDescription } from '../../virtualDevice';

const withCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('the engine with a device', function () {
  this.timeout(30_000);
  let host: VirtualDeviceHost;
  let home: EngineHome;
  let client: EngineClient;
  let folder: string;

  beforeEach(() => begin(presets.small()));
  afterEach(() => end());

  async function begin(device: DeviceDescription): Promise<void> {
    host = await VirtualDeviceHost.start({ devices: [device] });
    home = await makeEngineHome({ muxAddress: host.address });
    folder = path.join(home.folder, 'backups');
    client = await home.connect();
  }

  async function end(): Promise<void> {
    client.dispose();
    await home[Symbol.asyncDispose]();
    await host.stop();
  }

  function stateWhere(holds: (state: EngineState) => boolean, of = client): Promise<EngineState> {
    if (holds(of.state)) return Promise.resolve(of.state);
    return new Promise((resolve) => {
      const subscription = of.onState((state) => {
        if (!holds(state)) return;
        subscription.dispose();
        resolve(state);
      });
    });
  }

  async function deviceWhere(holds: (device: DeviceInfo) => boolean): Promise<DeviceInfo> {
    const state = await stateWhere(({ devices }) => devices.some(holds));
    return state.devices.find(holds) as DeviceInfo;
  }

  async function jobWhere(holds: (job: Job) => boolean, of = client): Promise<Job> {
    const state = await stateWhere(({ jobs }) => jobs.some(holds), of);
    return state.jobs.find(holds) as Job;
  }

  async function paired(): Promise<string> {
    const { udid } = host.device;
    await deviceWhere((device) => device.identity !== undefined);
    await client.call('pair', { udid });
    await deviceWhere(({ trust, details }) => trust.kind === 'trusted' && details !== undefined);
    return udid;
  }

  it('shows a device within a second of being plugged in, and takes it away when it is unplugged', async () => {
    await deviceWhere(({ identity }) => identity !== undefined);
    await host.device.unplug();
    await stateWhere(({ devices }) => devices.length === 0);
    const plugged = performance.now();
    await host.device.plug();
    const device = await deviceWhere(({ identity }) => identity !== undefined);
    const ms = performance.now() - plugged;
    assert.ok(ms < 1000, `${Math.round(ms)} ms`);
    assert.equal(device.trust.kind, 'untrusted');
  });

  it('follows trust given by another program, and taken back on the device', async () => {
    const udid = await paired();
    const other = await home.connect();
    assert.equal(other.state.devices[0]?.trust.kind, 'trusted');
    other.dispose();
    await host.device.forgetHosts();
    await client.call('refreshDevice', { udid });
    const { trust } = await deviceWhere((device) => device.trust.kind !== 'trusted');
    assert.ok(trust.kind === 'stale' || trust.kind === 'untrusted', trust.kind);
    await client.call('pair', { udid });
    await deviceWhere((device) => device.trust.kind === 'trusted');
  });

  it('notices encryption that was changed elsewhere', async () => {
    await paired();
    await host.device.set({ backupPassword: 'set on another computer' });
    await deviceWhere(({ details }) => details?.backup.willEncrypt === true);
  });

  it('says that the service is absent, and finds it when it comes', async () => {
    await using elsewhere = await makeEngineHome({ muxAddress: `UNIX:${path.join(home.folder, 'late')}` });
    const waiting = await elsewhere.connect();
    await stateWhere(({ mux }) => mux.kind === 'absent', waiting);
    const late = await VirtualDeviceHost.start({
      devices: [presets.ipod()],
      socket: `UNIX:${path.join(home.folder, 'late')}`,
    });
    try {
      await stateWhere(({ devices }) => devices[0]?.identity?.deviceClass === 'iPod', waiting);
    } finally {
      waiting.dispose();
      await late.stop();
    }
  });

  it('shows that the device waits for its passcode, until it is entered', async () => {
    await end();
    await begin({ ...presets.small(), passcode: '1234' });
    const udid = await paired();
    await host.device.set({ passcodePrompt: 'wait' });
    const backup = client.call('backUp', { udid, folder });
    await jobWhere(({ progress }) => progress.stage === 'waitingForPasscode');
    await host.device.enterPasscode();
    await backup;
    assert.deepEqual(await host.device.compareFolder(folder), []);
  });

  it('tells progress that never falls, and two windows the same', async () => {
    const udid = await paired();
    const second = await home.connect({ client: { name: 'second window', version: '0', pid: 1 } });
    const seen = { first: [] as Job[], second: [] as Job[] };
    const collect = (list: Job[]) => (state: EngineState) => {
      const job = state.jobs.find(({ kind }) => kind === 'backup');
      if (job) list.push(job);
    };
    client.onState(collect(seen.first));
    second.onState(collect(seen.second));
    await host.device.set({ rate: 400_000 });
    await client.call('backUp', { udid, folder });
    await jobWhere(({ kind, outcome }) => kind === 'backup' && outcome !== undefined);
    await jobWhere(({ kind, outcome }) => kind === 'backup' && outcome !== undefined, second);
    second.dispose();
    for (const jobs of [seen.first, seen.second]) {
      const fractions = jobs.flatMap(({ progress }) => progress.fraction ?? []);
      assert.ok(fractions.length > 3, `${fractions.length} reports`);
      assert.deepEqual(
        [...fractions].sort((a, b) => a - b),
        fractions,
      );
      assert.ok(jobs.some(({ progress }) => progress.bytesPerSecond > 0));
      assert.equal(jobs.at(-1)?.outcome?.kind, 'done');
    }
    assert.equal(seen.first.at(-1)?.progress.bytes, seen.second.at(-1)?.progress.bytes);
  });

  it('ends a backup whose device is unplugged, keeps the earlier one, and goes on the next time', async () => {
    const udid = await paired();
    await client.call('backUp', { udid, folder });
    const before = fs.readFileSync(path.join(folder, udid, 'Manifest.db'));
    for (const message of [2, 6, 12]) {
      await host.device.changeFiles(4, message);
      await host.device.armFault({ at: { message }, way: 'reset', service: 'com.apple.mobilebackup2' });
      await assert.rejects(client.call('backUp', { udid, folder }), (error) => isAppError(error));
      assert.deepEqual(fs.readFileSync(path.join(folder, udid, 'Manifest.db')), before, `message ${message}`);
      await stateWhere(({ devices }) => devices.length === 0);
      await host.device.plug();
      await deviceWhere(({ trust }) => trust.kind === 'trusted');
    }
    await client.call('backUp', { udid, folder });
    assert.deepEqual(await host.device.compareFolder(folder), []);
    const history = await client.call('history', { udid });
    assert.deepEqual(
      history.map(({ outcome }) => outcome),
      ['done', 'failed', 'failed', 'failed', 'done'],
    );
  });

  it('lets the device go when the engine is told to end in the middle', async () => {
    const udid = await paired();
    await host.device.set({ prepareMs: 60_000 });
    const lost = assert.rejects(client.call('backUp', { udid, folder }), (error) => isAppError(error));
    await jobWhere(({ progress }) => progress.stage === 'preparing');
    const { pid } = client.info;
    client.dispose();
    process.kill(pid, 'SIGTERM');
    await lost;
    while (home.enginePids().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await host.device.summary()).syncLocked, false);
    const { byHosts } = await host.device.notifications();
    assert.equal(byHosts.at(-1), 'com.apple.itunes-mobdev.syncDidFinish');
  });

  it('makes encrypted backups, and checks them with the password', async () => {
    const udid = await paired();
    await client.call('changeEncryption', { udid, change: { kind: 'on', newPassword: 'secret words' } });
    assert.equal((await deviceWhere(({ details }) => details?.backup.willEncrypt === true)).udid, udid);
    const summary = await client.call('backUp', { udid, folder, password: 'secret words' });
    assert.deepEqual([summary.encrypted, summary.passwordOpens], [true, true]);
    // Another password than the device's says nothing against the backup.
    const second = await client.call('backUp', { udid, folder, password: 'another one' });
    assert.equal(second.passwordOpens, false);
    assert.equal('passwordOpens' in (await client.call('backUp', { udid, folder })), false);
    const check = (password: string) => client.call('verify', { path: summary.path, level: 'full', password });
    await assert.rejects(check('another one'), withCode('wrongPassword'));
    const report = await check('secret words');
    assert.deepEqual([report.damages, report.notChecked], [0, []]);
    assert.equal(findText(home.folder, 'secret words'), undefined, 'no password in any file');
  });

  it('changes what the device allows to be changed', async () => {
    const udid = await paired();
    await client.call('setWifiConnections', { udid, on: true });
    await deviceWhere(({ details }) => details?.wifiConnections === true);
    await client.call('setCloudBackup', { udid, on: true });
    await deviceWhere(({ details }) => details?.backup.cloudBackupEnabled === true);
  });
});

/** The first file below `folder` that holds this text. */
function findText(folder: string, text: string): string | undefined {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .find((file) => fs.lstatSync(file).isFile() && fs.readFileSync(file).includes(text));
}
