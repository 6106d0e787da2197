import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import type { RestoreFinding } from '../../../src/engine/protocol';
import { findingText } from '../../../src/texts/findings';
import { presetNamed, type LocalDevice } from '../../virtualDevice';
import { RestoreStage, type RestoreCall } from './restoreStage';

const PASSWORD = 'secret';
const VERSION = '16.5.1';
/** Each one is in the way in another manner. */
const others = {
  older: presetNamed('small', { udid: '00008110-0000000000000001', productVersion: '15.8' }),
  olderPatch: presetNamed('small', { udid: '00008110-0000000000000002', productVersion: '16.5' }),
  tiny: presetNamed('small', {
    udid: '00008110-0000000000000003',
    productVersion: VERSION,
    capacity: 200_000,
    free: 100_000,
  }),
  full: presetNamed('small', { udid: '00008110-0000000000000004', productVersion: VERSION, free: 1_000 }),
  ipad: presetNamed('ipad', { udid: '00008110-0000000000000005', connections: ['usb'] }),
};

describe('the check before a restore', function () {
  this.timeout(60_000);
  let stage: RestoreStage;
  let encrypted: string;

  before(async () => {
    stage = await RestoreStage.start(
      presetNamed('small', { productVersion: VERSION, passcode: '1234' }),
      ...Object.values(others),
    );
    await stage.backUp();
    await stage.device.set({ backupPassword: PASSWORD });
    await stage.backUp();
    encrypted = stage.backup;
    await stage.device.set({ backupPassword: null });
  });
  after(() => stage[Symbol.asyncDispose]());

  const plain = () => {
    const [version = ''] = fs.readdirSync(stage.folder).filter((name) => /-\d{8}-\d{6}$/.test(name));
    return path.join(stage.folder, version);
  };
  const deviceOf = (name: keyof typeof others): LocalDevice =>
    stage.host.devices.find(({ udid }) => udid === others[name].udid)!;

  async function finds(call: RestoreCall, ...wanted: readonly string[]): Promise<readonly RestoreFinding[]> {
    const findings = await stage.check({ path: plain(), ...call });
    assert.deepEqual(
      findings.map(({ id, stops }) => (stops ? `${id}!` : id)),
      wanted,
    );
    for (const finding of findings) assert.match(findingText(finding), /^[A-Z“].{20,}[.!]$/s, finding.id);
    return findings;
  }

  /** It must not even begin. */
  async function refuses(call: RestoreCall, code: ErrorCode): Promise<void> {
    const device = call.device ?? stage.device;
    const digest = await device.stateDigest();
    const notified = (await device.notifications()).byHosts.length;
    await assert.rejects(stage.restore({ path: plain(), ...call }), (error: unknown) => {
      return isAppError(error, code) || assert.fail(String(error));
    });
    assert.equal(await device.stateDigest(), digest);
    assert.equal((await device.notifications()).byHosts.length, notified, 'the device was told of a sync');
  }

  /** A copy of a backup with something wrong, beside the others. */
  async function spoilt(from: string, spoil: (folder: string) => void): Promise<string> {
    const folder = path.join(stage.home.folder, 'spoilt');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.cpSync(from, folder, { recursive: true });
    spoil(folder);
    return folder;
  }

  it('finds nothing when nothing is in the way', async () => {
    await finds({});
    await finds({ path: encrypted, password: PASSWORD });
  });

  it('finds out about the password before anything starts', async () => {
    await finds({ path: encrypted }, 'passwordNeeded!');
    await finds({ path: encrypted, password: 'guess' }, 'wrongPassword!');
    await refuses({ path: encrypted }, 'passwordNeeded');
    await refuses({ path: encrypted, password: 'guess' }, 'wrongPassword');
  });

  it('finds an unfinished and a damaged backup', async () => {
    const status = fs.readFileSync(path.join(stage.folder, stage.device.udid, 'Status.plist'));
    const unfinished = await spoilt(plain(), (folder) => {
      const text = status.toString('latin1').replace('finished', 'uploadin');
      fs.writeFileSync(path.join(folder, 'Status.plist'), Buffer.from(text, 'latin1'));
    });
    await finds({ path: unfinished }, 'backupUnfinished!');
    await refuses({ path: unfinished }, 'backupUnfinished');
    const lacking = await spoilt(plain(), (folder) => {
      const blobs = fs.readdirSync(folder, { recursive: true }) as string[];
      for (const blob of blobs.filter((name) => /[0-9a-f]{40}$/.test(name)).slice(0, 3)) {
        fs.rmSync(path.join(folder, blob));
      }
    });
    const [finding] = await finds({ path: lacking }, 'backupDamaged!');
    assert.equal(finding?.details['faults'], 3);
    await refuses({ path: lacking }, 'backupDamaged');
    const cut = await spoilt(encrypted, (folder) => fs.truncateSync(path.join(folder, 'Manifest.db'), 100));
    await finds({ path: cut, password: PASSWORD }, 'backupDamaged!');
    const none = await spoilt(plain(), (folder) => fs.rmSync(path.join(folder, 'Manifest.plist')));
    await assert.rejects(stage.check({ path: none }), (error: unknown) => isAppError(error));
  });

  it('finds Find My, a locked screen, and other supervision', async () => {
    await stage.device.set({ findMy: true });
    await finds({}, 'findMyOn!');
    await refuses({}, 'findMyOn');
    await stage.device.set({ findMy: false, locked: true });
    await finds({}, 'locked!');
    await refuses({}, 'deviceLocked');
    await stage.device.set({ locked: false, supervised: true });
    await finds({}, 'supervisionDiffers!');
    await refuses({}, 'deviceNotReadyForRestore');
    await stage.device.set({ supervised: false });
    await finds({});
  });

  it('finds an older iOS: another release stops, another patch does not', async () => {
    const [finding] = await finds({ device: deviceOf('older') }, 'versionTooOld!', 'otherDevice');
    assert.deepEqual(finding?.details, { deviceVersion: '15.8', backupVersion: VERSION });
    await refuses({ device: deviceOf('older') }, 'versionNotCompatible');
    await finds({ device: deviceOf('olderPatch') }, 'versionTooOld', 'otherDevice');
  });

  it('finds too little room: more than the device holds stops, more than is free does not', async () => {
    await finds({ device: deviceOf('tiny') }, 'otherDevice', 'notEnoughRoom!');
    await refuses({ device: deviceOf('tiny') }, 'deviceDiskFull');
    await finds({ device: deviceOf('full') }, 'otherDevice', 'notEnoughRoom');
  });

  it('finds another kind of device', async () => {
    await finds({ device: deviceOf('ipad') }, 'otherKindOfDevice', 'otherDevice');
  });

  it('finds that the device does not trust this computer, or is not there', async () => {
    const device = deviceOf('full');
    await device.forgetHosts();
    await finds({ device }, 'notTrusted!', 'otherDevice');
    await refuses({ device }, 'trustStale');
    await device.unplug();
    await assert.rejects(stage.check({ device }), (error: unknown) => isAppError(error, 'deviceNotFound'));
  });
});
