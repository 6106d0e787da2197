import { describe, test } from 'mocha';
import { faults } from './faults';

// Each round: harm, then the last good backup is compared byte for byte, then the next backup must succeed.
describe('faults, a short run', () => {
  for (const kind of faults) {
    test(`${kind.what}: ${kind.short} rounds`, async function () {
      // Mounting a small disk needs root on Linux; elsewhere `npm run faults` says so.
      if (kind.name === 'fullDisk' && process.getuid?.() !== 0) this.skip();
      await kind.run({ seed: 1, rounds: kind.short });
    }).timeout(420_000);
  }
});
