import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { bundleTests, testFiles } from '../support/bundleTests.mjs';

declare const PROJECT_ROOT: string;

/* What reads backups – the published vectors among its tests – in each JavaScript that the product may run in. */

const TESTS = ['test/unit/backups/format', 'test/unit/backups/reader'];

interface Runtime {
  readonly name: string;
  readonly program: string;
  /** What it says of itself: `process.versions`. */
  readonly version: RegExp;
}

const bun = process.arch === 'arm64' ? 'bun-linux-aarch64' : 'bun-linux-x64';
const node = `node-linux-${process.arch}`;
const modules = (folder: string, ...rest: string[]) => path.join(PROJECT_ROOT, 'test', folder, 'node_modules', ...rest);

// npm has the other ones for Linux only.
const others: readonly Runtime[] = [
  { name: 'Node.js 22', program: modules('runtimes', node, 'bin', 'node'), version: /"node":"22\./ },
  { name: 'Node.js 24', program: modules('host', node, 'bin', 'node'), version: /"node":"24\./ },
  { name: 'Bun, with BoringSSL', program: modules('runtimes', '@oven', bun, 'bin', 'bun'), version: /"boringssl":/ },
];
const runtimes: readonly Runtime[] = [
  { name: `Node.js ${process.versions.node}, which runs this`, program: process.execPath, version: /"openssl":/ },
  ...(process.platform === 'linux' ? others : []),
];

interface MochaReport {
  readonly stats: { readonly passes: number; readonly failures: number; readonly pending: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

describe('reading backups', function () {
  this.timeout(240_000);
  const folder = path.join(PROJECT_ROOT, 'out', 'test', `${process.pid}-runtimes`);
  let bundles: readonly string[];
  let passed: number | undefined;

  before(async () => {
    bundles = await bundleTests(testFiles(TESTS), folder);
    assert.ok(bundles.length >= 5);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const { name, program, version } of runtimes) {
    it(`works in ${name}`, async () => {
      assert.ok(fs.existsSync(program), `${program} is missing; node scripts/setup.mjs host runtimes`);
      const versions = await run(program, ['-e', 'console.log(JSON.stringify(process.versions))']);
      assert.match(versions.stdout, version);
      const report = path.join(folder, 'report.json');
      fs.rmSync(report, { force: true });
      const mocha = path.join(PROJECT_ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
      const options = ['--timeout', '60000', '--reporter', 'json', '--reporter-option', `output=${report}`];
      const { code, stdout, stderr } = await run(program, [mocha, ...options, ...bundles]);
      assert.ok(fs.existsSync(report), `ended with ${code}: ${stdout}${stderr}`);
      const { stats, failures } = JSON.parse(fs.readFileSync(report, 'utf8')) as MochaReport;
      assert.deepEqual(
        failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message ?? ''}`),
        [],
      );
      assert.deepEqual([code, stats.failures, stats.pending], [0, 0, 0]);
      assert.ok(stats.passes > 50);
      passed ??= stats.passes;
      assert.equal(stats.passes, passed, 'the same tests in each');
    });
  }
});

function run(program: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: PROJECT_ROOT, timeout: 200_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(new Error(`${program}: ${error.message}`, { cause: error }));
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
