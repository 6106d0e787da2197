import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { backUp, openTrustedDevice } from '../../../src/device';
import { PairedDevice } from './pairedDevice';

const SILENCE_MS = 150;

/** Backs up a device that is doubted after a moment of silence. */
async function run(paired: PairedDevice) {
  await using device = await openTrustedDevice(paired.mux, paired.udid, { log: silentLog, silenceMs: SILENCE_MS });
  return await backUp(device, paired.store, paired.options);
}

describe('a silent device', () => {
  test('that prepares is waited for: its lockdown answers', async () => {
    await using paired = await PairedDevice.start({ prepareMs: 10 * SILENCE_MS });
    await run(paired);
    assert.deepEqual(await paired.differences(), []);
  });

  test('that has left without a word is told to be gone', async () => {
    await using paired = await PairedDevice.start({ prepareMs: 60_000 });
    const running = run(paired);
    await paired.untilStage('preparing');
    await paired.virtual.unplug('silence');
    await assert.rejects(running, (error) => isAppError(error, 'deviceGone') && /lockdown/.test(error.message));
  });

  test('that has left in the middle of a message is told to be gone', async () => {
    await using paired = await PairedDevice.start();
    await paired.virtual.armFault({ at: { byte: 20_000 }, way: 'silence', service: 'com.apple.mobilebackup2' });
    await assert.rejects(run(paired), (error) => isAppError(error, 'timedOut') || isAppError(error, 'deviceGone'));
  });
});
