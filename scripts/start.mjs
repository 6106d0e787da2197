// node scripts/start.mjs [--virtual | --real] [--embedded] [--no-open]: sets up, builds, and opens VS Code with the extension.
//   An installed VS Code (`code`) is used if there is one, else the one in test/host, shown by a browser (--embedded: always).
//   When no device is plugged in, a virtual iPhone takes its place (--virtual: always, --real: never).
//   --no-open: only print the address. Ctrl-C ends everything.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from './runTypeScript.mjs';
import { SetupError, setup } from './setup.mjs';
import { onPath } from './systemPackages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const unknown = args.filter((argument) => !['--virtual', '--real', '--embedded', '--no-open'].includes(argument));
if (unknown.length > 0) {
  console.error(`no such option: ${unknown.join(' ')}`);
  process.exit(2);
}

const embedded = args.includes('--embedded') || !onPath('code');
try {
  setup(embedded ? ['modules', 'host'] : ['modules']);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exit(1);
}
const build = spawnSync(process.execPath, [path.join(root, 'esbuild.js')], { stdio: ['ignore', 'inherit', 'inherit'] });
if (build.status !== 0) process.exit(1); // It has said why.
await runTypeScript('test/demo/main.ts', embedded ? [...args, '--embedded'] : args);
