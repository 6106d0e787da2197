/*
 * npm run mutation -- [MODULE …]: changes the sources of a module, one place at a time, and sees whether a unit test
 * notices. Prints each change that none noticed, and the score: how many of 100 were noticed. Exit code 1 below MIN.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** What must be noticed, in per cent. */
const MIN = 80;

const store = (...names) => names.map((name) => `src/backups/store/${name}.ts`);
const format = (...names) => names.map((name) => `src/backups/format/${name}.ts`);

/** What is changed, and the tests that should notice. */
const MODULES = {
  plist: {
    mutate: ['src/plist/*.ts'],
    // Not the comparisons with other programs: each of them takes seconds.
    tests: ['binaryDecoder', 'binaryEncoder', 'hostileBinary', 'readers', 'xml'].map(
      (name) => `test/unit/plist/${name}.test.ts`,
    ),
  },
  usbmux: {
    mutate: ['src/device/usbmux/frame.ts', 'src/device/usbmux/muxDevice.ts', 'src/device/usbmux/muxAddress.ts'],
    tests: ['test/unit/device/usbmux'],
  },
  deviceLink: {
    mutate: [
      'src/device/mobilebackup2/bufferedInput.ts',
      'src/device/mobilebackup2/deviceLink.ts',
      'src/device/lockdown/plistChannel.ts',
      'src/device/services/afcPacket.ts',
    ],
    tests: [
      'test/unit/device/mobilebackup2/bufferedInput.test.ts',
      'test/unit/device/mobilebackup2/deviceLink.test.ts',
      'test/unit/device/lockdown/plistChannel.test.ts',
    ],
  },
  keybag: {
    mutate: format('keybag', 'keyWrap', 'fileCipher', 'deriveKey', 'recordCipher'),
    tests: ['test/unit/backups/format/encryption.test.ts', 'test/unit/backups/format/recordCipher.test.ts'],
  },
  records: {
    mutate: format('fileRecord', 'recordFacts', 'manifestMbdb', 'manifestPlist', 'walSource', 'backupFile', 'fileID'),
    tests: ['test/unit/backups/format'],
  },
  paths: {
    mutate: store('pathInside', 'nameGuard', 'layout'),
    tests: ['pathInside', 'nameGuard', 'layout'].map((name) => `test/unit/backups/store/${name}.test.ts`),
  },
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in MODULES));
if (unknown.length > 0) {
  console.error(`no such module: ${unknown.join(', ')} (there are ${Object.keys(MODULES).join(', ')})`);
  process.exit(2);
}
setup(['modules', 'mutation']);
const scores = [];
for (const name of named.length > 0 ? named : Object.keys(MODULES)) scores.push(mutate(name));
console.log('\n| Module | Changes | Noticed | Score |\n| --- | --- | --- | --- |');
for (const { name, changes, noticed, score } of scores)
  console.log(`| ${name} | ${changes} | ${noticed} | ${score.toFixed(1)} % |`);
if (scores.some(({ score }) => !(score >= MIN))) process.exitCode = 1;

function mutate(name) {
  const { mutate, tests } = MODULES[name];
  const report = path.join(root, 'out', 'mutation', `${name}.json`);
  fs.rmSync(report, { force: true });
  spawnSync(
    process.execPath,
    [
      path.join(root, 'test/mutation/node_modules/@stryker-mutator/core/bin/stryker.js'),
      'run',
      path.join(root, 'test/mutation/stryker.config.mjs'),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, MUTATE: mutate.join(','), MUTATION_TESTS: tests.join(','), MUTATION_REPORT: report },
    },
  );
  const { files } = JSON.parse(fs.readFileSync(report, 'utf8'));
  const states = Object.values(files).flatMap(({ mutants }) => mutants.map(({ status }) => status));
  const count = (...wanted) => states.filter((state) => wanted.includes(state)).length;
  const noticed = count('Killed', 'Timeout');
  const changes = noticed + count('Survived', 'NoCoverage');
  return { name, changes, noticed, score: (100 * noticed) / Math.max(1, changes) };
}
