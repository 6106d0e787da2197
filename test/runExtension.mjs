// node test/runExtension.mjs [--desktop] [file …]: bundles test/extension and runs it with mocha inside an extension host:
// of the VS Code server in test/host, or (--desktop) of a desktop VS Code: VSCODE=/path/to/code, else one is downloaded.
// MOCHA_GREP=text: only these tests. TEST_RESULT=file: the counts as JSON.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleTests, testFiles } from './support/bundleTests.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = testFiles(named.length > 0 ? named : ['test/extension']);
if (files.length === 0) {
  console.error('no tests there');
  process.exit(1);
}
const outdir = path.join(root, 'out', 'extension', String(process.pid));
process.on('exit', () => fs.rmSync(outdir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

const support = (name) => path.join(root, 'test', 'support', 'vscodeHost', name);
const [suite, runner] = await bundleTests(
  [support('extensionSuite.ts'), support('runExtensionTests.ts'), ...files],
  outdir,
  ['vscode', '@vscode/test-electron'],
);
process.setSourceMapsEnabled(true);
const { runOnServer, runOnDesktop } = (await import(pathToFileURL(runner).href)).default;
process.exit(await (process.argv.includes('--desktop') ? runOnDesktop : runOnServer)(suite));
