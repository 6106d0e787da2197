import assert from 'node:assert/strict';
import { before, describe, test } from 'mocha';
import { deriveKey } from '../../../../src/backups/format/deriveKey';
import { decryptBlocks, lengthWithoutPadding, storedLength } from '../../../../src/backups/format/fileCipher';
import { type Keybag, parseKeybag, unlockKeybag } from '../../../../src/backups/format/keybag';
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
    await assert.rejects(deriveKey('x', { salt: Buffer.alloc(20), rounds: 1 }, AbortSignal.abort()), {
      code: 'cancelled',
    });
  });
  test('fails as the derivation itself fails', async () => {
    await assert.rejects(deriveKey('x', { salt: Buffer.alloc(20), rounds: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('keybag', () => {
  let keybag: Keybag;
  before(() => (keybag = parseKeybag(hex(vectors.keybag.blob))));

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

  /** A keybag from its tags, in their order. */
  const made = (...tags: readonly (readonly [string, number | Buffer])[]) =>
    Buffer.concat(
      tags.flatMap(([tag, value]) => {
        const bytes = typeof value === 'number' ? Buffer.alloc(4) : value;
        if (typeof value === 'number') bytes.writeUInt32BE(value);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(bytes.length);
        return [Buffer.from(tag), length, bytes];
      }),
    );
  const header = [
    ['VERS', 4],
    ['TYPE', 0x40000001],
    ['UUID', Buffer.alloc(16, 1)],
    ['SALT', Buffer.alloc(20, 2)],
    ['ITER', 3],
  ] as const;
  const uuid = ['UUID', Buffer.alloc(16, 9)] as const;
  const kek = Buffer.alloc(32, 7);
  const wrapped = (fill: number) => wrapKey(kek, Buffer.alloc(32, fill));

  test('reads the keybag of before iOS 10.2, and passes over what it does not know', () => {
    const parsed = parseKeybag(
      made(...header, ['DPIC', 5], ['NEW!', Buffer.from('?')], uuid, ['CLAS', 3], ['PBKY', Buffer.alloc(32, 4)]),
    );
    assert.deepEqual(parsed, {
      version: 4,
      type: 1,
      uuid: '01'.repeat(16),
      derivation: { salt: Buffer.alloc(20, 2), rounds: 3 },
      classes: [{ protectionClass: 3, wrap: 0, keyType: 0, publicKey: Buffer.alloc(32, 4) }],
    });
  });

  test('takes the first of two equal tags', () => {
    const parsed = parseKeybag(made(...header, ['ITER', 99], uuid, ['CLAS', 3], ['CLAS', 4]));
    assert.deepEqual([parsed.derivation.rounds, parsed.classes[0]?.protectionClass], [3, 3]);
  });

  test('refuses what is too long, cut, or lacks what it must have', () => {
    const refused: readonly Buffer[] = [
      Buffer.alloc((1 << 20) + 1),
      made(...header.slice(0, 4)),
      made(...header.filter(([tag]) => tag !== 'SALT')),
      made(...header.slice(0, 4), ['ITER', Buffer.alloc(8)]),
      made(...header, uuid),
      Buffer.concat([made(...header), Buffer.alloc(7)]),
    ];
    for (const bytes of refused) assert.throws(() => parseKeybag(bytes), { code: 'keybagDamaged' });
    assert.throws(() => parseKeybag(Buffer.alloc(1 << 20)), { code: 'keybagDamaged' });
    assert.ok(parseKeybag(made(...header)));
  });

  test('gives the key of each class, by its number or the number without flags', () => {
    const keybag = parseKeybag(
      made(
        ...header,
        uuid,
        ['CLAS', 3],
        ['WRAP', 2],
        ['WPKY', wrapped(30)],
        uuid,
        ['CLAS', 4],
        ['WRAP', 2],
        ['KTYP', 0],
        ['WPKY', wrapped(40)],
      ),
    );
    const unlocked = unlockKeybag(keybag, kek);
    const persistent = (number: number, fill: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(number);
      return Buffer.concat([bytes, wrapKey(Buffer.alloc(32, fill), Buffer.alloc(32, 77))]);
    };
    for (const [number, fill] of [
      [3, 30],
      [4, 40],
      [0x103, 30],
    ] as const)
      assert.deepEqual(unlocked.unwrap(persistent(number, fill)), Buffer.alloc(32, 77));
    assert.throws(() => unlocked.unwrap(persistent(3, 40)), { code: 'fileDamaged' });
    assert.throws(() => unlocked.unwrap(persistent(5, 30)), { code: 'keyNotAvailable' });
    for (const length of [0, 43, 45])
      assert.throws(() => unlocked.unwrap(Buffer.alloc(length)), { code: 'fileDamaged' });
  });

  test('keeps no key that the device has wrapped too, but takes it for a proof of the password', () => {
    const bound = parseKeybag(made(...header, uuid, ['CLAS', 1], ['WRAP', 3], ['WPKY', wrapped(10)]));
    assert.deepEqual(unlockKeybag(bound, kek).protectionClasses, []);
    assert.throws(() => unlockKeybag(bound, Buffer.alloc(32)), { code: 'wrongPassword' });
  });

  test('says so where no class key is wrapped with the password', () => {
    const cases: readonly Buffer[] = [
      made(...header),
      made(...header, uuid, ['CLAS', 1], ['WRAP', 1], ['WPKY', wrapped(10)]),
      made(...header, uuid, ['CLAS', 1], ['WRAP', 2]),
      made(...header, uuid, ['CLAS', 1], ['WRAP', 2], ['KTYP', 1], ['WPKY', wrapped(10)]),
    ];
    for (const bytes of cases) assert.throws(() => unlockKeybag(parseKeybag(bytes), kek), { code: 'keybagDamaged' });
  });

  test('wipes the keys and that of the records', () => {
    const keybag = parseKeybag(made(...header, uuid, ['CLAS', 3], ['WRAP', 2], ['WPKY', wrapped(30)]));
    const unlocked = unlockKeybag(keybag, kek);
    const recordKey = Buffer.alloc(32, 5);
    unlocked.recordKey = recordKey;
    unlocked.clear();
    assert.deepEqual(recordKey, Buffer.alloc(32));
    assert.deepEqual([unlocked.recordKey, unlocked.protectionClasses], [undefined, []]);
    unlocked.clear();
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
