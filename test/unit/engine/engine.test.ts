import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AppError, isAppError, type ErrorCode, toErrorData } from '../../../src/base/errors';
import type { EngineClient } from '../../../src/engine/client';
import type { EngineState, Job } from '../../../src/engine/protocol';
import { FakePorts, untilCancelled } from '../../support/fakePorts';
import { startInProcessEngine, type InProcessEngine } from '../../support/inProcessEngine';

const withCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

/** The state in which this holds: now or later. */
function stateWhere(client: EngineClient, holds: (state: EngineState) => boolean): Promise<EngineState> {
  if (holds(client.state)) return Promise.resolve(client.state);
  return new Promise((resolve) => {
    const subscription = client.onState((state) => {
      if (!holds(state)) return;
      subscription.dispose();
      resolve(state);
    });
  });
}

const jobWhere = async (client: EngineClient, holds: (job: Job) => boolean): Promise<Job> => {
  const state = await stateWhere(client, ({ jobs }) => jobs.some(holds));
  return state.jobs.find(holds) as Job;
};

describe('Engine', () => {
  let ports: FakePorts;
  let running: InProcessEngine;
  const folder = '/backups';

  beforeEach(async () => {
    ports = new FakePorts();
    running = await startInProcessEngine(ports);
  });
  afterEach(() => running[Symbol.asyncDispose]());

  const backUp = (client: EngineClient, more: { full?: boolean; signal?: AbortSignal } = {}) =>
    client.call('backUp', { udid: ports.udid, folder, ...(more.full && { full: true }) }, more);

  describe('devices', () => {
    it('tells who is there and what it says of itself', async () => {
      const client = await running.connect();
      const state = await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'trusted');
      assert.deepEqual(state.mux, { kind: 'ready', address: 'fake' });
      assert.deepEqual(state.devices, [{ udid: ports.udid, connections: ['usb'], ...ports.probe }]);
    });

    it('asks again when the device says that something has changed', async () => {
      const client = await running.connect();
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'trusted');
      ports.probe = { ...ports.probe, details: { backup: { willEncrypt: true, requiresEncryption: false } } };
      ports.changed();
      await stateWhere(client, ({ devices }) => devices[0]?.details?.backup.willEncrypt === true);
    });

    it('follows trust: untrusted, the dialog, trusted', async () => {
      ports.probe = { trust: { kind: 'untrusted' } };
      ports.events?.detached(ports.udid, 'usb');
      ports.events?.attached(ports.udid, 'usb');
      const client = await running.connect();
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'untrusted');
      let tap: () => void = () => {};
      ports.devices.pair = async (_udid, told) => {
        told({ kind: 'waitingForTrust' });
        await new Promise<void>((resolve) => (tap = resolve));
        ports.probe = { trust: { kind: 'trusted' } };
        told({ kind: 'trusted' });
      };
      const pairing = client.call('pair', { udid: ports.udid });
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'waitingForTrust');
      tap();
      await pairing;
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'trusted');
    });

    it('remembers that trust was denied until the device is plugged in again', async () => {
      ports.probe = { trust: { kind: 'untrusted' } };
      ports.events?.detached(ports.udid, 'usb');
      ports.events?.attached(ports.udid, 'usb');
      const client = await running.connect();
      ports.devices.pair = () => Promise.reject(new AppError('trustDenied', 'tapped'));
      await assert.rejects(client.call('pair', { udid: ports.udid }), withCode('trustDenied'));
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'denied');
      await client.call('refreshDevice', { udid: ports.udid });
      assert.equal(client.state.devices[0]?.trust.kind, 'denied');
      await assert.rejects(backUp(client), withCode('trustDenied'));
      ports.events?.detached(ports.udid, 'usb');
      ports.events?.attached(ports.udid, 'usb');
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'untrusted');
    });

    it('remembers that the trust could not be kept, so that nobody is asked for it in vain', async () => {
      ports.probe = { trust: { kind: 'untrusted' } };
      ports.events?.detached(ports.udid, 'usb');
      ports.events?.attached(ports.udid, 'usb');
      const client = await running.connect();
      const details = { finding: 'pairRecordNotKept' };
      ports.devices.pair = () => Promise.reject(new AppError('trustFailed', 'not kept', { details }));
      await assert.rejects(client.call('pair', { udid: ports.udid }), withCode('trustFailed'));
      const notKept = ({ devices: [device] }: typeof client.state) =>
        device?.trust.kind === 'failed' && device.trust.finding === 'pairRecordNotKept';
      await stateWhere(client, notKept);
      const refreshed = await client.call('refreshDevice', { udid: ports.udid });
      assert.equal(refreshed.trust.kind, 'failed');
      await assert.rejects(backUp(client), (error) => toErrorData(error).details['finding'] === 'pairRecordNotKept');
      ports.probe = { trust: { kind: 'trusted' } };
      assert.equal((await client.call('refreshDevice', { udid: ports.udid })).trust.kind, 'trusted');
    });

    it('is one device while it has two connections, and gone after the last', async () => {
      const client = await running.connect();
      ports.events?.attached(ports.udid, 'network');
      await stateWhere(client, ({ devices }) => devices[0]?.connections.length === 2);
      ports.events?.detached(ports.udid, 'usb');
      await stateWhere(client, ({ devices }) => devices[0]?.connections.join() === 'network');
      ports.events?.detached(ports.udid, 'network');
      await stateWhere(client, ({ devices }) => devices.length === 0);
      await assert.rejects(backUp(client), withCode('deviceNotFound'));
    });
  });

  describe('backUp', () => {
    it('recovers, stages, receives and commits, in this order', async () => {
      const client = await running.connect();
      await stateWhere(client, ({ devices }) => devices[0]?.trust.kind === 'trusted');
      ports.calls.length = 0;
      const summary = await backUp(client);
      assert.equal(summary.path, `${folder}/${ports.udid}`);
      assert.deepEqual(
        ports.calls.filter((call) => call !== 'probe'),
        [`recover ${folder}`, 'openStaging full=false fresh=false', 'backUp full=false', 'commit', 'close'],
      );
      const job = await jobWhere(client, ({ outcome }) => outcome?.kind === 'done');
      assert.equal(job.name, 'Ann’s iPhone');
      assert.deepEqual(job.outcome?.kind === 'done' && job.outcome.backup, summary);
      const [entry] = await client.call('history', { udid: ports.udid });
      assert.deepEqual(
        { ...entry, startedAt: '', endedAt: '' },
        {
          udid: ports.udid,
          startedAt: '',
          endedAt: '',
          outcome: 'done',
          bytes: 30,
          files: 3,
          full: false,
          encrypted: false,
        },
      );
    });

    it('removes no old version while a job works on one beside it', async () => {
      const client = await running.connect();
      const removed: string[] = [];
      ports.backups.applyRetention = (place) => (removed.push(place), Promise.resolve([]));
      ports.backups.verify = untilCancelled;
      const abort = new AbortController();
      const version = `${folder}/${ports.udid}-20250101-120000`;
      const other = client.call('verify', { path: version, level: 'quick' }, { signal: abort.signal });
      await jobWhere(client, ({ kind }) => kind === 'verify');
      const request = { udid: ports.udid, folder, keep: { last: 1 } };
      await client.call('backUp', request);
      await assert.rejects(
        client.call('applyRetention', { udid: ports.udid, folder, policy: { last: 1 } }),
        withCode('jobRunning'),
      );
      assert.deepEqual(removed, []);
      abort.abort();
      await assert.rejects(other, withCode('cancelled'));
      await client.call('backUp', request);
      assert.deepEqual(removed, [folder]);
    });

    it('asks for everything when told to, but goes on from an interrupted run of that kind', async () => {
      const client = await running.connect();
      await backUp(client, { full: true });
      assert.ok(ports.calls.includes('openStaging full=true fresh=false') && ports.calls.includes('backUp full=true'));
      ports.calls.length = 0;
      ports.resumed = true;
      await backUp(client, { full: true });
      assert.ok(ports.calls.includes('backUp full=false'));
    });

    it('starts again if the device refuses to go on from an interrupted run, and says so', async () => {
      const client = await running.connect();
      ports.resumed = true;
      let tries = 0;
      ports.backUpWork = () => {
        tries += 1;
        return tries === 1 ? Promise.reject(new AppError('previousBackupUnreadable', '205')) : Promise.resolve();
      };
      await backUp(client);
      assert.deepEqual(
        ports.calls.filter((call) => !/probe|recover/.test(call)),
        [
          'openStaging full=false fresh=false',
          'backUp full=false',
          'close',
          'openStaging full=false fresh=true',
          'backUp full=false',
          'commit',
          'close',
        ],
      );
      assert.equal((await jobWhere(client, ({ outcome }) => !!outcome)).progress.warnings, 1);
    });

    it('keeps the staging and commits nothing when the device fails', async () => {
      const client = await running.connect();
      ports.backUpWork = () => Promise.reject(new AppError('deviceGone', 'unplugged'));
      await assert.rejects(backUp(client), withCode('deviceGone'));
      assert.ok(!ports.calls.includes('commit') && ports.calls.at(-1) !== 'commit' && ports.calls.includes('close'));
      const [entry] = await client.call('history', { udid: ports.udid });
      assert.equal(entry?.outcome, 'failed');
      assert.equal(entry.error?.code, 'deviceGone');
    });

    it('does not start on a full disk', async () => {
      const client = await running.connect();
      ports.freeBytes = 1000;
      await assert.rejects(backUp(client), (error) => {
        assert.ok(isAppError(error, 'hostDiskFull'));
        assert.equal(error.details['freeBytes'], 1000);
        return true;
      });
      assert.ok(!ports.calls.some((call) => call.startsWith('openStaging')));
    });

    it('is not the window’s: it goes on without it, another one sees it, is refused, and cancels it', async () => {
      const first = await running.connect('VS Code');
      ports.backUpWork = untilCancelled;
      const lost = assert.rejects(backUp(first), withCode('engineGone'));
      await jobWhere(first, ({ progress }) => progress.stage === 'starting');
      first.dispose();
      await lost;

      const second = await running.connect('command line');
      const job = await jobWhere(second, ({ kind, outcome }) => kind === 'backup' && !outcome);
      assert.equal(job.owner.name, 'VS Code');
      await assert.rejects(backUp(second), (error) => {
        assert.ok(isAppError(error, 'jobRunning'));
        assert.deepEqual([error.details['owner'], error.details['jobId']], ['VS Code', job.id]);
        return true;
      });
      assert.equal(await second.call('shutdown', {}), false, 'a busy engine does not end');
      await second.call('cancelJob', { jobId: job.id });
      const ended = await jobWhere(second, ({ id, outcome }) => id === job.id && outcome !== undefined);
      assert.deepEqual(ended.outcome?.kind === 'cancelled' && ended.outcome.by, 'user');
      assert.equal((await second.call('history', { udid: ports.udid }))[0]?.outcome, 'cancelled');
      assert.ok(ports.calls.includes('close'));
    });

    it('keeps an engine of another build from being replaced', async () => {
      const client = await running.connect();
      ports.backUpWork = untilCancelled;
      const abort = new AbortController();
      const result = backUp(client, { signal: abort.signal });
      await jobWhere(client, ({ progress }) => progress.stage === 'starting');
      await assert.rejects(running.connect('newer window', 'newer'), withCode('engineVersion'));
      assert.equal(client.connection, 'connected');
      abort.abort();
      await assert.rejects(result, withCode('cancelled'));
    });

    it('ends with its request when that is taken back', async () => {
      const client = await running.connect();
      ports.backUpWork = untilCancelled;
      const abort = new AbortController();
      const result = backUp(client, { signal: abort.signal });
      await jobWhere(client, ({ progress }) => progress.stage === 'starting');
      abort.abort();
      await assert.rejects(result, withCode('cancelled'));
    });

    it('is ended cleanly with the engine', async () => {
      const client = await running.connect();
      ports.backUpWork = untilCancelled;
      const result = assert.rejects(backUp(client), (error) => isAppError(error));
      await jobWhere(client, ({ progress }) => progress.stage === 'starting');
      const ending = running.engine.end();
      await result;
      await ending;
      assert.ok(ports.calls.includes('close'));
    });
  });

  describe('requests', () => {
    it('watches the folders of all clients once, and lets go of those of one that left', async () => {
      const [one, other] = [await running.connect(), await running.connect()];
      const state = await one.call('watchFolders', { folders: ['/b', '/a'] });
      assert.deepEqual(
        state.folders.map(({ path }) => path),
        ['/a', '/b'],
      );
      await other.call('watchFolders', { folders: ['/b', '/c'] });
      await stateWhere(one, ({ catalogue }) => catalogue.folders.length === 3);
      other.dispose();
      await stateWhere(one, ({ catalogue }) => catalogue.folders.length === 2);
    });

    it('refuses what is malformed or unknown, and goes on', async () => {
      const client = await running.connect();
      const call = client.call.bind(client) as (method: string, params: unknown) => Promise<unknown>;
      for (const [method, params] of [
        ['nonsense', {}],
        ['toString', {}],
        ['__proto__', {}],
        ['hello', {}],
        ['backUp', { udid: ports.udid, folder: 'relative' }],
        ['backUp', { udid: '../x', folder: '/b' }],
        ['backUp', { udid: ports.udid, folder: '/b\0' }],
        ['backUp', { udid: ports.udid, folder: '/b', full: 'yes' }],
        ['changeEncryption', { udid: ports.udid, change: { kind: 'maybe' } }],
        ['watchFolders', { folders: '/b' }],
        ['verify', { path: '/b', level: 'deep' }],
        ['cancelJob', []],
      ] as const) {
        await assert.rejects(call(method, params), withCode('notAllowed'), method);
      }
      assert.deepEqual(await client.call('history', { udid: ports.udid }), []);
    });

    it('tells for a report how the last runs ended, without names', async () => {
      const client = await running.connect();
      ports.backUpWork = () =>
        Promise.reject(new AppError('hostDiskFull', 'in /home/ann', { details: { number: 105, folder: '/home/ann' } }));
      await assert.rejects(backUp(client), withCode('hostDiskFull'));
      const diagnosis = await client.call('diagnose', {});
      assert.equal(diagnosis.muxVersion, '1.1.1');
      const [run] = diagnosis.runs;
      assert.deepEqual([run?.outcome, run?.code, run?.number], ['failed', 'hostDiskFull', 105]);
      assert.doesNotMatch(JSON.stringify(diagnosis), new RegExp(`ann|${ports.udid}`, 'i'));
    });

    it('never says a password in a log line, a state or an error', async () => {
      const secret = 'correct horse battery staple';
      const lines: string[] = [];
      const client = await running.connect();
      client.onState((state) => lines.push(JSON.stringify(state)));
      ports.devices.changeEncryption = () => Promise.reject(new AppError('wrongPassword', 'refused'));
      const change = client.call('changeEncryption', {
        udid: ports.udid,
        change: { kind: 'on', newPassword: secret },
      });
      await assert.rejects(change, (error) => {
        assert.ok(isAppError(error, 'wrongPassword'));
        lines.push(JSON.stringify(error), error.message);
        return true;
      });
      await jobWhere(client, ({ outcome }) => outcome?.kind === 'failed');
      assert.ok(lines.length > 2);
      assert.ok(!lines.some((line) => line.includes(secret)));
    });
  });
});
