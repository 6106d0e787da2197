import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isNameTyped } from '../../../src/texts/isNameTyped';

describe('isNameTyped()', () => {
  const same: readonly (readonly [typed: string, name: string])[] = [
    ["Ann's iPhone", 'Ann’s iPhone'],
    ['ann’s iphone ', 'Ann’s\u00a0iPhone'],
    ['iPhone von Jörg', 'iPhone von Jörg 📱'],
    ['iPhone von Jo\u0308rg', 'iPhone von J\u00f6rg'],
    ['リビングの iPad', 'リビングの iPad'],
    ['हिन्दी', 'हिन्दी ❤️'],
    ['📱', ' 📱'],
  ];
  for (const [typed, name] of same) {
    it(`takes ${JSON.stringify(typed)} for ${JSON.stringify(name)}`, () => assert.ok(isNameTyped(typed, name)));
  }
  const others: readonly (readonly [typed: string, name: string])[] = [
    ['', 'Ann’s iPhone'],
    ['', '📱'],
    ['Ann', 'Ann’s iPhone'],
    ['Anns iPad', 'Ann’s iPhone'],
    ['iPhone von Jorg', 'iPhone von Jörg'],
    ['iPhone 1', 'iPhone 2'],
    ['📱', '📱📱'],
  ];
  for (const [typed, name] of others) {
    it(`does not take ${JSON.stringify(typed)} for ${JSON.stringify(name)}`, () =>
      assert.ok(!isNameTyped(typed, name)));
  }
});
