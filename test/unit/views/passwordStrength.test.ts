import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { passwordStrength } from '../../../src/views/passwordStrength';

describe('passwordStrength', () => {
  for (const [password, strength] of [
    ['', 0],
    ['1234567890', 0],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', 0],
    ['hallo', 0],
    ['sommer24', 1],
    ['Sommer-24', 2],
    ['correct horse battery staple', 3],
    ['gX7#pL0-qw', 2],
  ] as const) {
    it(`of “${password}” is ${strength}`, () => assert.equal(passwordStrength(password), strength));
  }
});
