import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { TransferRate } from '../../../src/engine/transferRate';

describe('TransferRate', () => {
  it('measures a steady stream', () => {
    const rate = new TransferRate();
    for (let at = 0; at <= 20_000; at += 100) rate.add(at * 1000, at);
    assert.equal(rate.bytesPerSecond(20_000), 1_000_000);
  });

  it('falls to zero when nothing moves, within the window', () => {
    const rate = new TransferRate();
    for (let at = 0; at <= 10_000; at += 100) rate.add(at * 1000, at);
    const during = rate.bytesPerSecond(12_500);
    assert.ok(during > 0 && during < 1_000_000, String(during));
    assert.equal(rate.bytesPerSecond(16_000), 0);
  });

  it('follows a change of speed within the window', () => {
    const rate = new TransferRate();
    let bytes = 0;
    for (let at = 0; at < 10_000; at += 100) rate.add((bytes += 1000), at);
    for (let at = 10_000; at <= 16_000; at += 100) rate.add((bytes += 100_000), at);
    const now = rate.bytesPerSecond(16_000);
    assert.ok(now > 950_000 && now <= 1_000_000, String(now));
  });

  it('does not show the first piece as an enormous rate', () => {
    const rate = new TransferRate();
    rate.add(0, 0);
    rate.add(5_000_000, 1);
    assert.equal(rate.bytesPerSecond(1), 5_000_000);
  });

  it('starts again when the total does', () => {
    const rate = new TransferRate();
    rate.add(0, 0);
    rate.add(9_000_000, 2000);
    rate.add(0, 2100);
    rate.add(1000, 3100);
    assert.equal(rate.bytesPerSecond(3100), 1000);
  });
});
