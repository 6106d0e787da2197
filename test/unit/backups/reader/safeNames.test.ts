import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FolderNames, safeName } from '../../../../src/backups/reader/safeNames';

const windows = { windows: true, foldsNames: true };
const linux = { windows: false, foldsNames: false };

describe('safeName()', () => {
  it('cuts a long name between two characters, whatever its length', () => {
    assert.equal(safeName('x'.repeat(255), linux), 'x'.repeat(255));
    assert.equal(safeName('x'.repeat(256), linux), 'x'.repeat(255));
    assert.equal(safeName('é'.repeat(200), linux), 'é'.repeat(127));
    assert.equal(safeName(`a${'\u{1f600}'.repeat(100)}`, linux), `a${'\u{1f600}'.repeat(63)}`);
    assert.equal(safeName('€'.repeat(3_000_000), linux), '€'.repeat(85));
  });

  it('gives each of two names that would meet its own, with room for the number', () => {
    const names = new FolderNames(windows);
    const long = 'x'.repeat(300);
    assert.equal(names.give(`${long}.jpg`), 'x'.repeat(255));
    assert.equal(names.give(`${long}.png`), `${'x'.repeat(243)} (2)`);
    assert.equal(names.give('A.txt'), 'A.txt');
    assert.equal(names.give('a.txt'), 'a (2).txt');
    assert.equal(names.give('a.txt'), 'a (3).txt');
  });
});
