import assert from 'node:assert/strict';
import { AppError, isAppError, type ErrorCode } from '../../../../src/base/errors';
import { readDetails } from '../../../../src/device/lockdown/readDetails';
import type { TrustedDevice } from '../../../../src/device/lockdown/trustedDevice';
import { dict, PlistReal, type PlistValue } from '../../../../src/plist';

type Values = Readonly<Record<string, PlistValue | undefined>>;

/** Answers from a table: `domain/Key`, or `domain` for all of it; an error where the value is `!code`. */
function deviceWith(values: Values): TrustedDevice {
  return {
    udid: 'U',
    identity: { name: 'N', deviceClass: 'iPhone', productType: 'iPhone13,2', productVersion: '16.5' },
    connection: 'usb',
    deviceId: 1,
    async getValue(domain, key) {
      const value = values[[domain, key].filter(Boolean).join('/')];
      if (typeof value === 'string' && value.startsWith('!'))
        throw new AppError(value.slice(1) as ErrorCode, 'refused');
      return value;
    },
    async setValue() {},
    startService: () => Promise.reject(new Error('not here')),
    async [Symbol.asyncDispose]() {},
  };
}

const EMPTY = { backup: { willEncrypt: false, requiresEncryption: false } };

describe('readDetails', () => {
  it('leaves out what a device does not tell', async () => {
    assert.deepEqual(await readDetails(deviceWith({})), EMPTY);
  });

  it('leaves out what a device refuses', async () => {
    const refusing = { SerialNumber: '!valueRefused', 'com.apple.fmip/IsAssociated': '!deviceReportedError' };
    assert.deepEqual(await readDetails(deviceWith(refusing)), EMPTY);
  });

  it('leaves out what has an odd form', async () => {
    const odd = {
      SerialNumber: 5,
      PhoneNumber: dict({ number: '1' }),
      PasswordProtected: 'yes',
      'com.apple.mobile.battery': dict({ BatteryCurrentCapacity: 'full' }),
      'com.apple.disk_usage': dict({ TotalDiskCapacity: -1, AmountDataAvailable: 5 }),
      'com.apple.mobile.backup': dict({ WillEncrypt: 'no', LastiTunesBackupDate: 'today', CloudBackupEnabled: 7 }),
      'com.apple.mobile.wireless_lockdown': [true],
    };
    assert.deepEqual(await readDetails(deviceWith(odd)), EMPTY);
  });

  it('reads numbers of every kind', async () => {
    const values = {
      'com.apple.mobile.battery': dict({ BatteryCurrentCapacity: new PlistReal(54.6), BatteryIsCharging: 0 }),
      'com.apple.disk_usage': dict({ TotalDiskCapacity: 256_000_000_000n, TotalDataAvailable: 1_000 }),
      'com.apple.mobile.backup': dict({ WillEncrypt: 1, RequiresEncrypt: true, LastiTunesBackupDate: 681_028_961 }),
      'com.apple.purplebuddy/SetupDone': true,
    };
    assert.deepEqual(await readDetails(deviceWith(values)), {
      battery: { percent: 55, charging: false },
      storage: { total: 256_000_000_000, free: 1_000 },
      backup: { willEncrypt: true, requiresEncryption: true, lastComputerBackup: '2022-08-01T06:42:41.000Z' },
      setupDone: true,
    });
  });

  it('knows a device without a battery, and more free than there is', async () => {
    const values = {
      'com.apple.mobile.battery': dict({ BatteryCurrentCapacity: 100, HasBattery: false }),
      'com.apple.disk_usage': dict({ TotalDiskCapacity: 5, AmountDataAvailable: 6 }),
    };
    assert.deepEqual(await readDetails(deviceWith(values)), EMPTY);
  });

  it('fails only when the device cannot be asked', async () => {
    const gone = deviceWith({ SerialNumber: '!deviceGone' });
    await assert.rejects(readDetails(gone), (error) => isAppError(error, 'deviceGone'));
  });
});
