import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AppError, isAppError } from '../../../src/base/errors';
import { BufferedInput } from '../../../src/device/mobilebackup2/bufferedInput';
import { fuzz, type FuzzTarget } from '../../fuzz/fuzz';
import { compareReaders } from '../../fuzz/differential';
import { fuzzTargets } from '../../fuzz/targets';
import { ScriptedPeer } from '../../support/scriptedPeer';

/** Another one each time; a failure tells it. */
const SEED = Date.now() % 2 ** 31;

describe('parsers, given hostile input', function () {
  this.timeout(120_000);

  it('are all here, for 20,000 executions or more', () => {
    assert.ok(fuzzTargets.reduce((sum, { short }) => sum + short, 0) >= 20_000);
    assert.equal(new Set(fuzzTargets.map(({ name }) => name)).size, fuzzTargets.length);
  });

  for (const target of fuzzTargets) {
    it(`${target.what}: a value or a typed error, in bounded time and memory`, async () => {
      await fuzz(target, { seed: SEED, rounds: target.short });
    });
  }

  it("property lists: what Python's plistlib and plistutil accept too is the same for them", async function () {
    // On other systems the programs may be missing; the parsers do not depend on the system.
    if (process.platform !== 'linux') return this.skip();
    const { python, plistutil } = await compareReaders({ seed: SEED, rounds: 2_000 });
    assert.ok(python > 100 && plistutil > 0);
  });

  it('a stream in pieces of any size gives the same bytes', async () => {
    const property = fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), async (pieces) => {
      const whole = Buffer.concat(pieces);
      const peer = new ScriptedPeer();
      peer.send(...pieces);
      peer.close();
      const input = new BufferedInput(peer.stream);
      const half = Math.floor(whole.length / 2);
      assert.deepEqual(await input.read(half), whole.subarray(0, half));
      assert.deepEqual(await input.read(whole.length - half), whole.subarray(half));
      await assert.rejects(input.read(1), (error) => isAppError(error, 'deviceGone'));
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

describe('fuzz()', () => {
  const target = (execute: FuzzTarget['execute']): FuzzTarget => ({
    name: 'x',
    what: 'what is tried',
    short: 1,
    sound() {},
    execute,
  });

  it('counts what was understood, and gives the same input for the same seed', async () => {
    const seen: number[] = [];
    const noting = target((random) => seen.push(random.below(1000)) % 2 === 0);
    assert.equal(await fuzz(noting, { seed: 5, rounds: 10 }), 5);
    await fuzz(noting, { seed: 12, rounds: 3 });
    assert.deepEqual(seen.slice(10), seen.slice(7, 10));
    assert.ok(new Set(seen).size > 5);
  });

  it('tells how to see a failure again', async () => {
    let round = 0;
    const failing = target(() => {
      if (round++ === 3) throw new AppError('unexpected', 'a bug');
      return true;
    });
    await assert.rejects(
      fuzz(failing, { seed: 40, rounds: 10 }),
      /a bug\n {2}npm run fuzz -- --only x --seed 43 --rounds 1/,
    );
  });

  it('does not take what cannot read its own samples for a test', async () => {
    const blind: FuzzTarget = {
      ...target(() => true),
      sound() {
        throw new Error('not even that');
      },
    };
    await assert.rejects(fuzz(blind, { seed: 1, rounds: 1 }), /not even that/);
  });
});
