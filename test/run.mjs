// node test/run.mjs [file or folder …]: bundles the named tests with esbuild into out/test and runs them with mocha.
// Without a name: test/unit and test/device. MOCHA_GREP=text: only these tests.
import { build } from 'esbuild';
import Mocha from 'mocha';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const named = process.argv.slice(2);
const files = (named.length ? named : ['test/unit', 'test/device']).flatMap((name) => testFiles(path.resolve(root, name)));
const outdir = path.join(root, 'out', 'test', String(process.pid));
process.on('exit', () => fs.rmSync(outdir, { recursive: true, force: true }));

await build({
  entryPoints: files,
  outdir,
  outbase: path.join(root, 'test'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: 'inline',
  logLevel: 'warning',
  // Tests share one mocha; the rest is bundled, so that packages that are ES modules only load too.
  external: ['mocha', 'usbmux-client', 'esbuild', 'playwright-core'],
  define: { 'import.meta.url': 'importMetaUrl', PROJECT_ROOT: JSON.stringify(root) },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
process.setSourceMapsEnabled(true);

const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, ...(process.env.MOCHA_GREP ? { grep: process.env.MOCHA_GREP } : {}) });
for (const file of files) {
  mocha.addFile(path.join(outdir, path.relative(path.join(root, 'test'), file)).replace(/\.ts$/, '.js'));
}
const failures = await new Promise((resolve) => mocha.run(resolve));
process.exit(failures > 0 ? 1 : 0);

function testFiles(name) {
  if (fs.statSync(name).isFile()) return [name];
  return fs
    .readdirSync(name, { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => path.join(name, file))
    .sort();
}
