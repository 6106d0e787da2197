import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/* global PROJECT_ROOT -- where this is part of a bundle, which lies elsewhere */
const root =
  typeof PROJECT_ROOT === 'string'
    ? PROJECT_ROOT
    : path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** The *.test.ts files that the names (files, or folders with all below; from the project's root) stand for. */
export function testFiles(names) {
  return names.flatMap((name) => {
    const place = path.resolve(root, name);
    if (fs.statSync(place).isFile()) return [place];
    const below = fs.readdirSync(place, { recursive: true });
    return below
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => path.join(place, file))
      .sort();
  });
}

/**
 * Bundles TypeScript from below `test` for Node; `outdir` mirrors `test`. `PROJECT_ROOT` is a constant in it: the
 * project's folder.
 *
 * @param {readonly string[]} files
 * @param {string} outdir
 * @param {readonly string[]} external more packages that stay outside
 * @returns the bundles' paths, in the order of the files
 */
export async function bundleTests(files, outdir, external = []) {
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
    external: ['mocha', 'usbmux-client', 'esbuild', 'playwright-core', ...external],
    loader: { '.wasm': 'file' },
    define: { 'import.meta.url': 'importMetaUrl', PROJECT_ROOT: JSON.stringify(root) },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  return files.map((file) => path.join(outdir, path.relative(path.join(root, 'test'), file)).replace(/\.ts$/, '.js'));
}
