import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { vectors } from '../../support/backupVectors';
import { makeKeybag, openKeybag } from '../../virtualDevice/mobilebackup2/keybag';
import { unwrapKey, wrapKeys } from '../../virtualDevice/mobilebackup2/keyWrap';

/* The device encrypts by its own means: what the reference says must come out of them too. */

describe('keys of the virtual device', () => {
  it('are wrapped as RFC 3394 has it, one or many at once', () => {
    const [vector] = vectors.rfc3394;
    assert.ok(vector);
    const kek = Buffer.from(vector.kek, 'hex');
    const key = Buffer.from(vector.key, 'hex');
    assert.equal(wrapKeys(kek, key).toString('hex'), vector.wrapped);
    const other = Buffer.alloc(32, 5);
    const many = wrapKeys(kek, Buffer.concat([other, key, other]));
    assert.equal(many.subarray(40, 80).toString('hex'), vector.wrapped);
    assert.deepEqual(unwrapKey(kek, many.subarray(0, 40)), other);
    many[3]! ^= 1;
    assert.equal(unwrapKey(kek, many.subarray(0, 40)), undefined);
  });

  for (const password of ['sesam', 'pässwörd 🔑', undefined]) {
    it(`open again with ${password ?? 'the empty password'} only`, async () => {
      const keybag = await makeKeybag(password, { first: 20, second: 10 }, 1, 1);
      assert.deepEqual(await openKeybag(keybag.bytes, password ?? ''), keybag.classKeys);
      assert.equal(await openKeybag(keybag.bytes, 'wrong'), undefined);
      const passwordOnly = password === undefined ? [1, 2, 3, 4] : [1, 2, 3, 4, 6, 7, 8];
      assert.deepEqual([...keybag.classKeys.keys()], passwordOnly);
    });
  }

  it('are the same for the same seed and serial number, others for others', async () => {
    const make = (seed: number, serial: number) => makeKeybag('x', { first: 2, second: 2 }, seed, serial);
    const [one, same, later, other] = await Promise.all([make(1, 1), make(1, 1), make(1, 2), make(2, 1)]);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one?.bytes, later?.bytes);
    assert.notDeepEqual(one?.bytes, other?.bytes);
  });
});
