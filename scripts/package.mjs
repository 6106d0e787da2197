// node scripts/package.mjs [file.vsix]: builds for production and packs the extension. The same sources give the same file.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * @param {string} [file] where to; by default ios-backup-<version>.vsix in the project's folder
 * @returns the packed file's path
 */
export async function packageExtension(file) {
  setup(['modules']);
  execFileSync(process.execPath, [path.join(root, 'esbuild.js'), '--production'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const { createVSIX } = await import('@vscode/vsce'); // only now: setup() may have installed it
  const { name, version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const packagePath = path.resolve(root, file ?? `${name}-${version}.vsix`);
  // Dates of files differ from clone to clone; a zip cannot say one before 1980.
  process.env.SOURCE_DATE_EPOCH = '315532800';
  await createVSIX({
    cwd: root,
    packagePath,
    dependencies: false, // esbuild has put them into the bundles
    allowMissingRepository: true,
    rewriteRelativeLinks: false, // there is no public address to rewrite them to
  });
  return packagePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await packageExtension(process.argv[2]);
