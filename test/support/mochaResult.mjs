import fs from 'node:fs';

/**
 * Watches a mocha run and counts: `{ passed, failed, skipped, failures: [{ title, error }] }`. A hook that fails counts
 * as one failed test. `ended` is false while it runs: a run that was cut off must not look like one that went well.
 */
export function collectResult(runner) {
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], ended: false };
  runner.on('pass', () => result.passed++);
  runner.on('pending', () => result.skipped++);
  runner.on('fail', (test, error) => {
    result.failed++;
    result.failures.push({ title: test.fullTitle(), error: error?.stack ?? String(error) });
  });
  runner.on('end', () => (result.ended = true));
  return result;
}

/** Hands a result to whoever asked for it: TEST_RESULT names the file. */
export function writeResult(result, file = process.env.TEST_RESULT) {
  if (file) fs.writeFileSync(file, JSON.stringify(result, null, 2));
}
