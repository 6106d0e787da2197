import { describe, test } from 'mocha';
import { runFault } from './faultKind';
import { faults } from './faults';

// Each round: harm, then the last good backup is compared byte for byte, then the next try must succeed.
describe('faults, a short run', () => {
  for (const kind of faults) {
    if (kind.short === 0) continue;
    test(`${kind.name}: ${kind.what}: ${kind.short} rounds`, async function () {
      // What needs a file system of its own is told by `npm run faults`.
      if (kind.lacks?.() !== undefined) return this.skip();
      await runFault(kind, { seed: 1, rounds: kind.short });
    }).timeout(300_000);
  }
});
