import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'mocha';
import { ProgressTracker, type DeviceProgress } from '../../../../src/device/mobilebackup2/progress';

function tracker(): { progress: ProgressTracker; reports: DeviceProgress[] } {
  const reports: DeviceProgress[] = [];
  return { progress: new ProgressTracker((report) => reports.push(report)), reports };
}

describe('ProgressTracker', () => {
  test('reports a new stage at once and numbers at most ten times a second, the last ones too', async () => {
    const { progress, reports } = tracker();
    progress.enter('receiving');
    for (let i = 0; i < 10_000; i++) progress.addBytes(1);
    progress.enter('moving');
    assert.deepEqual(
      reports.map(({ stage }) => stage),
      ['receiving', 'moving'],
    );
    progress.addFile();
    await sleep(150);
    assert.equal(reports.length, 3);
    assert.equal(reports.at(-1)?.files, 1);
    progress.addFile();
    progress.end();
    assert.equal(reports.at(-1)?.files, 2);
    const count = reports.length;
    progress.addFile();
    progress.enter('removing');
    await sleep(120);
    assert.equal(reports.length, count);
  });

  test('the fraction never falls, goes along with the bytes of a batch, and ignores what the device does not know', () => {
    const { progress, reports } = tracker();
    const fraction = () => {
      progress.enter('receiving');
      progress.enter('preparing');
      return reports.at(-1)?.fraction;
    };
    assert.equal(fraction(), undefined);
    progress.beginBatch(50, 1000);
    progress.addBytes(500);
    assert.equal(fraction(), 0.25);
    progress.addBytes(5000);
    assert.equal(fraction(), 0.5);
    progress.endBatch();
    for (const percent of [-1, 0, 20, undefined, Number.NaN]) {
      progress.beginBatch(percent, 10);
      progress.addBytes(10);
      progress.endBatch();
      assert.equal(fraction(), 0.5);
    }
    progress.beginBatch(250, 0);
    progress.addBytes(10);
    progress.endBatch();
    assert.equal(fraction(), 1);
  });

  test('a hint hides the stage until it is taken back; cancelling stays', () => {
    const { progress, reports } = tracker();
    progress.enter('preparing');
    progress.hint('waitingForPasscode');
    progress.hint(undefined);
    progress.enter('cancelling');
    progress.enter('receiving');
    progress.hint('waitingForPasscode');
    assert.deepEqual(
      reports.map(({ stage }) => stage),
      ['preparing', 'waitingForPasscode', 'preparing', 'cancelling'],
    );
    progress.end();
  });
});
