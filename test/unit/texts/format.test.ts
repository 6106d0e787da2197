import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { modelName } from '../../../src/texts/deviceModels';
import { formatBytes, formatDuration, formatPercent, formatRelative } from '../../../src/texts/format';

describe('format', () => {
  it('counts bytes as Finder does', () => {
    const plain = (bytes: number) => formatBytes(bytes).replace(',', '.');
    assert.deepEqual([0, 999, 1000, 1550, 123_456_789, 5e13].map(plain), [
      '0 B',
      '999 B',
      '1 kB',
      '1.6 kB',
      '123 MB',
      '50 TB',
    ]);
  });

  it('never writes a thousand of one unit where there is a next one', () => {
    for (let bytes = 1; bytes < 1e15; bytes = Math.ceil(bytes * 1.0071)) {
      assert.match(formatBytes(bytes), /^\d{1,3}([.,]\d)? (B|kB|MB|GB|TB)$/, String(bytes));
    }
    assert.equal(formatBytes(999_949), '1 MB');
    assert.equal(formatBytes(99_960), '100 kB');
  });

  it('shows 100 % only for done', () => {
    const digits = (fraction: number) => formatPercent(fraction).replace(/\D/g, '');
    assert.deepEqual([0, 0.005, 0.299, 0.999, 1].map(digits), ['0', '0', '29', '99', '100']);
  });

  it('writes durations and times gone by', () => {
    assert.deepEqual([0, 7400, 750_000, 3_900_000, -5].map(formatDuration), [
      '0:00',
      '0:07',
      '12:30',
      '1:05:00',
      '0:00',
    ]);
    const now = Date.parse('2026-03-10T12:00:00Z');
    assert.equal(formatRelative('2026-03-10T11:59:30Z', now), 'just now');
    assert.match(formatRelative('2026-03-10T11:55:00Z', now), /5/);
    assert.match(formatRelative('2026-03-07T12:00:00Z', now), /3/);
  });

  it('knows the models, and does not guess', () => {
    assert.equal(modelName('iPhone8,1'), 'iPhone 6s');
    assert.equal(modelName('iPhone16,1'), 'iPhone 15 Pro');
    assert.equal(modelName('iPhone18,3'), 'iPhone 17');
    assert.equal(modelName('iPad13,4'), 'iPad Pro (11-inch, 3rd generation)');
    assert.equal(modelName('iPod9,1'), 'iPod touch (7th generation)');
    assert.equal(modelName('iPhone99,9'), 'iPhone99,9');
    assert.equal(modelName('constructor'), 'constructor');
  });
});
