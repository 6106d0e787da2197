// node scripts/setup.mjs [part …]: makes this machine ready; what is ready already is left alone.
//   modules   the project's own packages
//   host      the VS Code server that tests and `npm start` open windows of
//   runtimes  other JavaScript runtimes that backups must be readable in
//   mutation  Stryker, which changes the sources to try the tests (only where it is named)
//   browser   Chromium (system)
//   peers     other people's clients and daemons, which the tests let loose on the virtual device (system)
// Without a part: all. Needs nothing but Node 20 and npm.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand, missing, programs } from './systemPackages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const packageFolders = {
  modules: root,
  host: path.join(root, 'test', 'host'),
  runtimes: path.join(root, 'test', 'runtimes'),
  mutation: path.join(root, 'test', 'mutation'),
};
/** What a run of all suites needs. */
export const parts = [...Object.keys(packageFolders), ...Object.keys(programs)].filter((part) => part !== 'mutation');

/** Something that only the person at this machine can do. Its message says what. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** @throws SetupError if a part cannot be had here; the parts before it are ready then. */
export function setup(wanted = parts) {
  const lacking = [];
  for (const part of wanted) {
    if (part in packageFolders) installPackages(packageFolders[part]);
    else if (part in programs) lacking.push(...missing(part));
    else throw new SetupError(`no such part: ${part} (there are ${parts.join(', ')}, mutation)`);
  }
  if (lacking.length > 0) installPrograms(lacking);
}

function installPackages(folder) {
  if (isInstalled(folder)) return;
  const release = lock();
  try {
    if (isInstalled(folder)) return; // Another run was faster.
    const where = path.relative(root, folder);
    console.log(`setup: npm ci${where ? ` in ${where}` : ''}`);
    // Settings of an npm that started us (silent, prefix) are not for this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32', // npm is a batch file there
    });
    if (status !== 0) throw new SetupError(`npm ci failed in ${folder}`);
  } finally {
    release();
  }
}

/** Compares the lock file with what npm noted down in node_modules when it installed. */
function isInstalled(folder) {
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')).packages;
  let there;
  try {
    there = read('node_modules/.package-lock.json');
  } catch {
    return false;
  }
  return Object.entries(read('package-lock.json')).every(([place, wanted]) => {
    if (!place.startsWith('node_modules/')) return true; // the project itself, and folders that are linked
    const found = there[place];
    if (!found) return wanted.optional === true; // for another platform
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function installPrograms(lacking) {
  const what = lacking.map((program) => program.what).join(', ');
  const command = installCommand(lacking);
  const root = process.getuid?.() === 0;
  if (!root || !command?.startsWith('apt-get')) {
    const how = command
      ? `Install it with:\n\n    ${process.platform === 'linux' && !root ? sudo(command) : command}\n`
      : 'Please install it.';
    throw new SetupError(`this machine lacks ${what}. ${how}`);
  }
  console.log(`setup: ${command}`);
  const { status } = spawnSync('sh', ['-c', command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const still = lacking.filter(({ found }) => !found());
  if (status !== 0 || still.length > 0) {
    throw new SetupError(
      `this machine still lacks ${still.map((program) => program.what).join(', ') || what} after: ${command}`,
    );
  }
}

function sudo(command) {
  return command
    .split(' && ')
    .map((step) => `sudo ${step}`)
    .join(' && ');
}

/** One installation at a time: two npm ci in one folder destroy each other's work. */
function lock() {
  const file = path.join(root, 'out', 'setup.lock');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (;;) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isAlive(Number(readOrEmpty(file)))) fs.rmSync(file, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
}

function readOrEmpty(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid) {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setup(process.argv.length > 2 ? process.argv.slice(2) : parts);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
