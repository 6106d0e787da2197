import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { changePassword, enableCloudBackup, type PasswordChange } from '../../../src/device';
import { PairedDevice, until } from './pairedDevice';

const ON: PasswordChange = { kind: 'on', newPassword: 'first' };
const CHANGE: PasswordChange = { kind: 'change', oldPassword: 'first', newPassword: 'second' };
const OFF: PasswordChange = { kind: 'off', oldPassword: 'second' };

function change(paired: PairedDevice, what: PasswordChange) {
  return changePassword(paired.device, what, { ...paired.options, store: paired.store });
}

function fails(
  work: Promise<unknown>,
  code: ErrorCode,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return assert.rejects(work, (error: unknown) => {
    assert.ok(isAppError(error, code), String(error));
    for (const [name, value] of Object.entries(details)) assert.equal(error.details[name], value, name);
    return true;
  });
}

describe('changePassword()', () => {
  test('on, change and off; the device has the password, and is asked without the sync lock', async () => {
    await using paired = await PairedDevice.start();
    let changes = 0;
    paired.virtual.state.onNotification.on((name) => (changes += Number(name.endsWith('domain_changed'))));
    assert.deepEqual(await change(paired, ON), { encrypted: true });
    assert.equal(paired.virtual.state.backupPassword, 'first');
    assert.deepEqual(await change(paired, CHANGE), { encrypted: true });
    assert.equal(paired.virtual.state.backupPassword, 'second');
    assert.deepEqual(await change(paired, OFF), { encrypted: false });
    assert.equal(paired.virtual.state.backupPassword, undefined);
    assert.deepEqual(paired.posted, []);
    assert.deepEqual(await paired.leftovers(), []);
    assert.equal(changes, 3);
  });

  test('works without a folder of backups, and changes none', async () => {
    await using paired = await PairedDevice.start();
    assert.deepEqual(await changePassword(paired.device, ON, paired.options), { encrypted: true });
    await paired.backUp();
    const before = new Map(paired.store.files);
    await change(paired, CHANGE);
    assert.deepEqual(new Map(paired.store.files), before);
  });

  test('the next backup is encrypted with the new password', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    await change(paired, ON);
    const { full, encrypted } = await paired.backUp();
    assert.deepEqual([full, encrypted], [true, true]);
    assert.deepEqual(await paired.differences('first'), []);
  });

  test('says that the device waits for its passcode', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = change(paired, ON);
    await paired.untilStage('waitingForPasscode');
    await until(() => paired.virtual.state.passcodeAsked, 'the sheet');
    await paired.virtual.enterPasscode();
    assert.deepEqual(await running, { encrypted: true });
  });

  for (const passcodePrompt of ['refuse', 'ignore'] as const) {
    test(`a passcode that is ${passcodePrompt}d changes nothing`, async () => {
      await using paired = await PairedDevice.start({ passcodePrompt, passcodeTimeoutMs: 100 }, { passcode: '1234' });
      await fails(change(paired, ON), 'passcodeNotEntered', { encrypted: false, number: 208 });
      assert.equal(paired.virtual.state.backupPassword, undefined);
      assert.deepEqual(await paired.leftovers(), []);
    });
  }

  test('a wrong old password changes nothing', async () => {
    await using paired = await PairedDevice.start({ backupPassword: 'other' });
    await fails(change(paired, CHANGE), 'wrongPassword', { encrypted: true });
    await fails(change(paired, OFF), 'wrongPassword', { encrypted: true });
    assert.equal(paired.virtual.state.backupPassword, 'other');
  });

  test('what cannot be is refused before the device is asked', async () => {
    await using paired = await PairedDevice.start();
    await fails(change(paired, CHANGE), 'notEncrypted');
    await fails(change(paired, OFF), 'notEncrypted');
    await fails(change(paired, { kind: 'on', newPassword: '' }), 'passwordEmpty');
    await change(paired, ON);
    await fails(change(paired, ON), 'alreadyEncrypted');
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('management that forbids or requires encryption', async () => {
    await using paired = await PairedDevice.start({ encryptionForbidden: true });
    await fails(change(paired, ON), 'encryptionForbidden', { encrypted: false });
    await paired.virtual.set({ encryptionForbidden: false, encryptionRequired: true, backupPassword: 'second' });
    await fails(change(paired, OFF), 'encryptionForced');
    assert.equal(paired.virtual.state.backupPassword, 'second');
  });

  test('cancelling while the sheet is open changes nothing and closes it', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = change(paired, ON);
    await until(() => paired.virtual.state.passcodeAsked, 'the sheet');
    paired.cancel.abort();
    await fails(running, 'cancelled', { encrypted: false });
    assert.equal(paired.virtual.state.passcodeAsked, false);
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('a connection that breaks after the change was made is no failure', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = change(paired, ON);
    await until(() => paired.virtual.state.passcodeAsked, 'the sheet');
    // The device makes the change, and its backup service dies before it can say so.
    paired.virtual.state.backupPassword = 'first';
    for (const connection of [...paired.virtual.state.connections]) {
      if (connection.what === 'com.apple.mobilebackup2') connection.abort('close');
    }
    assert.deepEqual(await running, { encrypted: true });
  });

  test('a device that goes away is deviceGone, and its state unknown', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = change(paired, ON);
    await until(() => paired.virtual.state.passcodeAsked, 'the sheet');
    await paired.virtual.unplug();
    await fails(running, 'deviceGone', { encrypted: undefined });
  });
});

describe('enableCloudBackup()', () => {
  test('switches on and off', async () => {
    await using paired = await PairedDevice.start();
    await enableCloudBackup(paired.device, true, paired.options);
    assert.equal(paired.virtual.state.switches.cloudBackup, true);
    await enableCloudBackup(paired.device, false, paired.options);
    assert.equal(paired.virtual.state.switches.cloudBackup, false);
    assert.deepEqual(await paired.leftovers(), []);
  });
});
