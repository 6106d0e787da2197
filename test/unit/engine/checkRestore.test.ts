import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AppError } from '../../../src/base/errors';
import type { BackupSummary } from '../../../src/backups/types';
import type { DeviceDetails } from '../../../src/device/types';
import type { EngineClient } from '../../../src/engine/client';
import { FakePorts } from '../../support/fakePorts';
import { startInProcessEngine, type InProcessEngine } from '../../support/inProcessEngine';

/* What test/device/restore/findings.test.ts cannot bring about with a virtual device. */

const nothing: DeviceDetails = { backup: { willEncrypt: false, requiresEncryption: false } };

describe('checkRestore', () => {
  let ports: FakePorts;
  let engine: InProcessEngine;
  let client: EngineClient;
  let backup: BackupSummary;

  beforeEach(async () => {
    ports = new FakePorts();
    backup = { path: '/b/x', root: '/b', role: 'other', udid: ports.udid, encrypted: false, state: 'finished' };
    ports.backups.describe = () => Promise.resolve(backup);
    engine = await startInProcessEngine(ports);
    client = await engine.connect();
  });
  afterEach(() => engine[Symbol.asyncDispose]());

  async function found(details: Partial<DeviceDetails> = {}): Promise<readonly string[]> {
    ports.probe = { ...ports.probe, details: { ...nothing, ...details } };
    const findings = await client.call('checkRestore', { udid: ports.udid, path: backup.path });
    return findings.map(({ id, stops }) => (stops ? `${id}!` : id));
  }

  it('warns of a low battery that is not charging', async () => {
    assert.deepEqual(await found({ battery: { percent: 19, charging: false } }), ['lowBattery']);
    assert.deepEqual(await found({ battery: { percent: 19, charging: true } }), []);
    assert.deepEqual(await found({ battery: { percent: 20, charging: false } }), []);
  });

  it('takes what the device does not tell for nothing in the way', async () => {
    assert.deepEqual(await found(), []);
    backup = { ...backup, supervised: true, productVersion: '17.0', productType: 'iPhone16,1' };
    assert.deepEqual(await found(), []);
    assert.deepEqual(await found({ supervised: false }), ['supervisionDiffers!']);
  });

  it('compares versions as numbers', async () => {
    for (const [productVersion, expected] of [
      ['18.2', []],
      ['18.1.9', []],
      ['9.3.5', []],
      ['18.2.1', ['versionTooOld']],
      ['18.10', ['versionTooOld!']],
      ['26.0', ['versionTooOld!']],
    ] as const) {
      backup = { ...backup, productVersion };
      assert.deepEqual(await found(), expected, productVersion);
    }
  });

  it('measures the backup when its size is not known yet', async () => {
    ports.backups.sizeOf = () => Promise.resolve(50);
    assert.deepEqual(await found({ storage: { total: 100, free: 49 } }), ['notEnoughRoom']);
    assert.deepEqual(await found({ storage: { total: 49, free: 49 } }), ['notEnoughRoom!']);
    assert.deepEqual(await found({ storage: { total: 100, free: 50 } }), []);
    backup = { ...backup, size: { bytes: 10, freed: 0, files: 1 } };
    assert.deepEqual(await found({ storage: { total: 100, free: 11 } }), []);
  });

  it('tells trouble of the disk as what it is', async () => {
    ports.backups.verify = () => Promise.reject(new AppError('diskError', 'EIO'));
    await assert.rejects(found(), { code: 'diskError' });
    ports.backups.verify = () => Promise.reject(new AppError('keybagDamaged', 'no salt'));
    assert.deepEqual(await found(), ['backupDamaged!']);
  });
});

describe('restore', () => {
  it('tells how far it is by what the device has taken, and never falls', async () => {
    const ports = new FakePorts();
    const summary = { path: '/b/x', root: '/b', role: 'other', udid: ports.udid, encrypted: false } as const;
    const size = { bytes: 1000, freed: 0, files: 9 };
    ports.backups.describe = () => Promise.resolve({ ...summary, state: 'finished', size });
    await using engine = await startInProcessEngine(ports);
    const client = await engine.connect();
    const seen: (number | undefined)[] = [];
    const job = () => client.state.jobs.find(({ kind }) => kind === 'restore');
    ports.devices.restore = async (_udid, { report }) => {
      const updates = [
        { stage: 'preparing', bytes: 10 },
        { stage: 'sending', bytes: 100 },
        { stage: 'sending', bytes: 400, fraction: 0.2 },
        { stage: 'sending', bytes: 400, fraction: 0.6 },
        { stage: 'sending', bytes: 500, fraction: 0.6 },
        { stage: 'sending', bytes: 2000, fraction: 0.6 },
        { stage: 'restarting' },
      ] as const;
      for (const update of updates) {
        report(update);
        await new Promise((resolve) => setTimeout(resolve, 150));
        seen.push(job()?.progress.fraction);
      }
      return { bytes: 2000, files: 9, restarted: true };
    };
    const options = { systemFiles: true, keepSettings: false, removeOthers: true, restart: true };
    await client.call('restore', { udid: ports.udid, path: summary.path, options });
    assert.deepEqual(seen, [undefined, 0.1, 0.4, 0.6, 0.6, 0.95, 0.95]);
  });

  it('does nothing when another backup has taken the place of the chosen one', async () => {
    const ports = new FakePorts();
    await using engine = await startInProcessEngine(ports);
    const client = await engine.connect();
    ports.devices.restore = () => Promise.reject(new Error('it was begun'));
    const options = { systemFiles: true, keepSettings: false, removeOthers: true, restart: true };
    const params = { udid: ports.udid, path: '/b/x', date: '2024-01-01T00:00:00.000Z', options };
    await assert.rejects(client.call('restore', params), { code: 'backupReplaced' });
  });
});
