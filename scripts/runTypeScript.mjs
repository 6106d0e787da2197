// node scripts/runTypeScript.mjs FILE [argument …]: bundles a TypeScript program of the project and runs it here.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setup } from './setup.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Runs what stands at the top of `file` (from the project's root). It sees `args` as its own arguments. */
export async function runTypeScript(file, args) {
  const { bundleTests } = await import('../test/support/bundleTests.mjs'); // needs esbuild, which setup() may have installed
  const outdir = path.join(root, 'out', 'programs', String(process.pid));
  process.on('exit', () => fs.rmSync(outdir, { recursive: true, force: true }));
  const [program] = await bundleTests([path.resolve(root, file)], outdir);
  process.setSourceMapsEnabled(true);
  process.argv = [process.argv[0], program, ...args];
  await import(pathToFileURL(program).href);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup(['modules']);
  await runTypeScript(process.argv[2], process.argv.slice(3));
}
