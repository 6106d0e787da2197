// node scripts/findCycles.mjs: fails when files below src import each other in a circle.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Circles of imports below the entry points, each as a list of files from the project's root. Imports of types alone do
 * not count: they are gone when the program runs.
 *
 * @param {string} root
 * @param {readonly string[]} entryPoints
 * @returns {Promise<string[][]>}
 */
export async function findCycles(root, entryPoints) {
  const { metafile } = await build({
    entryPoints,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: 'out',
    write: false,
    metafile: true,
    packages: 'external',
    loader: { '.wasm': 'empty' },
    logLevel: 'error',
  });
  const imports = (file) =>
    metafile.inputs[file]?.imports.filter(({ external }) => !external).map(({ path }) => path) ?? [];
  const cycles = [];
  const done = new Set();
  const trail = [];
  const visit = (file) => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.push([...trail.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    trail.push(file);
    for (const next of imports(file)) visit(next);
    trail.pop();
    done.add(file);
  };
  for (const file of Object.keys(metafile.inputs)) visit(file);
  return cycles;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  const below = fs.readdirSync(path.join(root, 'src'), { recursive: true });
  const files = below.filter((file) => file.endsWith('.ts')).map((file) => path.join('src', file));
  const cycles = await findCycles(root, files);
  for (const cycle of cycles) console.log(cycle.join('\n  → '));
  process.exitCode = cycles.length > 0 ? 1 : 0;
}
