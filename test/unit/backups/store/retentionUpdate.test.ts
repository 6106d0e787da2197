import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { planRetention } from '../../../../src/backups';

describe('planRetention() and updates of iOS', () => {
  const version = (name: string, day: number, productVersion: string) => ({
    path: name,
    date: new Date(2024, 0, day),
    productVersion,
  });
  const versions = [
    version('e', 5, '18.0'),
    version('d', 4, '18.0'),
    version('c', 3, '17.6.1'),
    version('b', 2, '17.6.1'),
    version('a', 1, '16.7'),
  ];

  it('keeps the last one from before the update, and says so', () => {
    const { keep, remove } = planRetention(versions, { last: 1 });
    assert.deepEqual(remove, ['a', 'b', 'd']);
    assert.deepEqual(
      keep.map(({ path, because }) => [path, ...because]),
      [
        ['e', 'last'],
        ['c', 'beforeUpdate'],
      ],
    );
  });

  it('keeps no more than the rule says where there was no update', () => {
    const same = versions.map((one) => ({ ...one, productVersion: '18.0' }));
    assert.deepEqual(planRetention(same, { last: 1 }).remove, ['a', 'b', 'c', 'd']);
  });
});
