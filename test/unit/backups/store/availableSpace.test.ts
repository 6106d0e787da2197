import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { availableSpace } from '../../../../src/backups/store/availableSpace';
import { temporaryFolder } from '../../../support/backupFolders';

describe('availableSpace()', function () {
  if (process.platform === 'win32') return; // The program that stands for macOS' own is a shell script.

  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const fileSystem = { freeSpace: () => Promise.resolve(5000) };
  /** What macOS' program does, in shell. */
  function program(script: string): string {
    const file = path.join(folder.path, 'osascript');
    fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    return file;
  }
  const on = (platform: NodeJS.Platform, script: string, answerMs?: number) =>
    availableSpace(fileSystem, folder.path, { platform, program: program(script), ...(answerMs && { answerMs }) });

  it('counts on macOS what the system frees by itself', async () => {
    assert.equal(await on('darwin', 'echo 108000000000'), 108_000_000_000);
  });

  it('hands the folder over as an argument', async () => {
    const asked = path.join(folder.path, 'asked');
    await on('darwin', `printf '%s\\n' "$1" "$2" "$3" "$5" > '${asked}'; echo 1`);
    assert.deepEqual(fs.readFileSync(asked, 'utf8').trimEnd().split('\n'), ['-l', 'JavaScript', '-e', folder.path]);
  });

  it('is what is free where macOS says less, nothing useful, fails, or does not answer', async () => {
    for (const script of ['echo 0', 'echo 4999', 'echo undefined', 'echo 1e12', 'echo 9000; exit 1', 'yes 9']) {
      assert.equal(await on('darwin', script), 5000, script);
    }
    assert.equal(await on('darwin', 'exec sleep 600', 50), 5000);
    const missing = path.join(folder.path, 'missing');
    assert.equal(await availableSpace(fileSystem, folder.path, { platform: 'darwin', program: missing }), 5000);
  });

  it('asks nobody else on other systems', async () => {
    assert.equal(await on('linux', 'echo 108000000000'), 5000);
  });
});
