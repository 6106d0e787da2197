// node test/run.mjs [file or folder …]: bundles the named tests with esbuild into out/test and runs them with mocha.
// Without a name: test/unit and test/device. MOCHA_GREP=text: only these tests. MOCHA_REPORTER=dot: another reporter.
// KEEP_BUNDLES=folder: the bundles go there and stay. TEST_RESULT=file: the counts as JSON (test/support/mochaResult.mjs).
// To find nothing is a failure.
import Mocha from 'mocha';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests, testFiles } from './support/bundleTests.mjs';
import { collectResult, writeResult } from './support/mochaResult.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const files = testFiles(process.argv.length > 2 ? process.argv.slice(2) : ['test/unit', 'test/device']);
if (files.length === 0) {
  console.error('no tests there');
  process.exit(1);
}
const outdir = process.env.KEEP_BUNDLES ?? path.join(root, 'out', 'test', String(process.pid));
if (!process.env.KEEP_BUNDLES) process.on('exit', () => fs.rmSync(outdir, { recursive: true, force: true }));
let running = 'no test yet';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    console.error(`${signal} during: ${running}`);
    process.exit(130);
  });
}

const bundled = await bundleTests(files, outdir);
process.setSourceMapsEnabled(true);

const mocha = new Mocha({
  ui: 'bdd',
  timeout: files.some((file) => file.startsWith(path.join(root, 'test', 'ui'))) ? 120_000 : 20_000,
  forbidOnly: Boolean(process.env.CI),
  reporter: process.env.MOCHA_REPORTER ?? 'spec',
  ...(process.env.MOCHA_GREP ? { grep: process.env.MOCHA_GREP } : {}),
});
for (const file of bundled) mocha.addFile(file);
const runner = mocha.run((failures) => {
  writeResult(result);
  process.exit(failures > 0 || result.passed === 0 ? 1 : 0);
});
const result = collectResult(runner);
runner.on('test', (test) => (running = test.fullTitle()));
