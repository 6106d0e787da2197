import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { deriveKey } from '../../../../src/backups/format/deriveKey';
import { decryptBlocks, lengthWithoutPadding, storedLength } from '../../../../src/backups/format/fileCipher';
import { parseKeybag, unlockKeybag } from '../../../../src/backups/format/keybag';
import { unwrapKey, wrapKey } from '../../../../src/backups/format/keyWrap';
import { hex, vectors } from '../../../support/backupVectors';

const [fast] = vectors.kdf;

describe('key wrap (RFC 3394)', () => {
  for (const { kek, key, wrapped } of vectors.rfc3394) {
    test('wraps and unwraps the published vector', () => {
      assert.equal(wrapKey(hex(kek), hex(key)).toString('hex'), wrapped);
      assert.equal(unwrapKey(hex(kek), hex(wrapped))?.toString('hex'), key);
    });
    test('notices every flipped bit', () => {
      for (let bit = 0; bit < wrapped.length * 4; bit++) {
        const damaged = hex(wrapped);
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        assert.equal(unwrapKey(hex(kek), damaged), undefined, `bit ${bit}`);
      }
    });
  }
  test('refuses a length that cannot be', () => {
    for (const length of [0, 8, 16, 39]) {
      assert.throws(() => unwrapKey(Buffer.alloc(32), Buffer.alloc(length)), { code: 'keybagDamaged' });
    }
  });
});

describe('deriveKey()', () => {
  for (const { name, password, SALT, ITER, DPSL, DPIC, kek } of vectors.kdf) {
    test(`gives the key of vector ${name}`, async () => {
      const first = DPSL && DPIC ? { first: { salt: hex(DPSL), rounds: DPIC } } : {};
      assert.equal((await deriveKey(password, { salt: hex(SALT), rounds: ITER, ...first })).toString('hex'), kek);
    }).timeout(60_000);
  }
  test('ends at once when cancelled', async () => {
    const abort = new AbortController();
    const waiting = deriveKey('x', { salt: Buffer.alloc(20), rounds: 300_000 }, abort.signal);
    abort.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  });
});

describe('keybag', () => {
  const keybag = parseKeybag(hex(vectors.keybag.blob));

  test('opens every class key that the password alone opens', async () => {
    const unlocked = unlockKeybag(keybag, await deriveKey(fast!.password, keybag.derivation));
    const alone = vectors.keybag.classes.filter(({ WRAP }) => WRAP === 2);
    assert.deepEqual(
      [...unlocked.protectionClasses].sort((a, b) => a - b),
      alone.map(({ CLAS }) => CLAS).sort((a, b) => a - b),
    );
    assert.equal(unlocked.unwrap(hex(vectors.manifestKey.value)).toString('hex'), vectors.manifestKey.key);
    for (const file of vectors.files)
      assert.equal(unlocked.unwrap(hex(file.EncryptionKey)).toString('hex'), file.fileKey);
    unlocked.clear();
    assert.throws(() => unlocked.unwrap(hex(vectors.manifestKey.value)), { code: 'keyNotAvailable' });
  });

  test('tells a wrong password from a damaged keybag', async () => {
    const wrong = await deriveKey('test1235', keybag.derivation);
    assert.throws(() => unlockKeybag(keybag, wrong), { code: 'wrongPassword' });
    const right = await deriveKey(fast!.password, keybag.derivation);
    const damaged = parseKeybag(hex(vectors.keybag.blob));
    damaged.classes[2]!.wrapped![5]! ^= 1;
    assert.throws(() => unlockKeybag(damaged, right), { code: 'keybagDamaged' });
  });

  test('every truncation is an error or a shorter keybag, never a crash', () => {
    const blob = hex(vectors.keybag.blob);
    for (let length = 0; length < blob.length; length++) {
      try {
        parseKeybag(blob.subarray(0, length));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'keybagDamaged', `${length} bytes: ${String(error)}`);
      }
    }
  });

  test('refuses absurd rounds', () => {
    for (const rounds of [0, 0xffffffff]) {
      const blob = hex(vectors.keybag.blob);
      blob.writeUInt32BE(rounds, blob.indexOf('DPIC') + 8);
      assert.throws(() => parseKeybag(blob), { code: 'keybagDamaged' });
    }
  });
});

describe('file cipher', () => {
  for (const { relativePath, fileKey, stored, plain, size } of vectors.files) {
    test(`decrypts ${relativePath}`, () => {
      const bytes = decryptBlocks(hex(fileKey), hex(stored));
      const length = bytes.length === 0 ? 0 : lengthWithoutPadding(bytes.subarray(-16), bytes.length);
      assert.equal(bytes.subarray(0, length).toString('hex'), plain);
      assert.ok(hex(stored).length === storedLength(size) || size === 0);
    });
  }
  test('reads a block in the middle', () => {
    const { fileKey, stored, plain } = vectors.files.find((file) => hex(file.stored).length >= 32)!;
    const whole = hex(stored);
    const second = decryptBlocks(hex(fileKey), whole.subarray(16, 32), whole.subarray(0, 16));
    assert.ok(
      hex(plain)
        .subarray(16)
        .equals(second.subarray(0, hex(plain).length - 16)),
    );
  });
  test('refuses bad padding', () => {
    for (const last of [0, 17, 255]) assert.equal(lengthWithoutPadding(Buffer.alloc(16, last), 16), undefined);
    assert.equal(lengthWithoutPadding(Buffer.concat([Buffer.alloc(14, 7), Buffer.from([1, 2])]), 16), undefined);
  });
});
