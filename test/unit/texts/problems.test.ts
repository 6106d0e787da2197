import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { ErrorCode } from '../../../src/base/errors';
import { problem } from '../../../src/texts/problems';

declare const PROJECT_ROOT: string;

const PLATFORMS = ['darwin', 'linux', 'win32'] as const;

describe('problem', () => {
  const source = fs.readFileSync(path.join(PROJECT_ROOT, 'src/base/errors.ts'), 'utf8');
  const union = source.slice(source.indexOf('export type ErrorCode'), source.indexOf('/** Facts for the sentence'));
  const codes = [...union.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code as ErrorCode);

  it('says every code in one sentence with one next step, on every platform', () => {
    assert.ok(codes.length > 70, `${codes.length} codes`);
    for (const code of codes) {
      for (const platform of PLATFORMS) {
        const { text, next } = problem(code, {}, platform);
        for (const sentence of [text, next]) {
          assert.match(sentence, /^[A-Z“].*[.!?:”]|description$/s, `${code}: ${sentence}`);
          assert.doesNotMatch(sentence, /undefined|\[object|\{\d\}/, `${code}: ${sentence}`);
          assert.ok(sentence.length < 260, `${code}: ${sentence.length} characters`);
        }
      }
    }
  });

  it('gives each failure words of its own', () => {
    const texts = codes.map((code) => problem(code, {}, 'linux').text);
    const repeated = texts.filter((text, index) => texts.indexOf(text) !== index);
    assert.deepEqual(repeated, []);
  });

  it('names the numbers and names that it was told', () => {
    const full = problem('hostDiskFull', { freeBytes: 1_500_000_000, neededBytes: 20_000_000_000 });
    assert.match(full.text, /1[.,]5 GB are free, 20 GB are needed/);
    assert.match(problem('hostDiskFull', { freeBytes: 1000 }).text, /1 kB/);
    assert.doesNotMatch(problem('hostDiskFull').text, /free,/);
    assert.match(problem('jobRunning', { owner: 'VS Code' }).text, /VS Code/);
    assert.match(problem('deviceReportedError', { number: 42, description: 'It is odd' }).text, /42.*It is odd/);
    assert.match(problem('backupInUse', { heldOpen: true }).text, /has a file of that backup open/);
    assert.match(problem('folderOffline', { path: '/Volumes/Disk' }).text, /\/Volumes\/Disk/);
  });

  it('does not speak of copied files where a password was changed or a device restored', () => {
    for (const code of ['deviceGone', 'cancelled'] as const) {
      assert.match(problem(code, {}).next, /copied/);
      const others = ['restore', 'encryption'].map((job) => problem(code, { job }).next);
      assert.equal(new Set(others).size, 2);
      for (const next of others) assert.doesNotMatch(next, /copied/);
    }
    assert.match(problem('deviceGone', { job: 'encryption' }).next, /either may be valid/);
  });

  it('tells what helps on this platform', () => {
    assert.match(problem('muxAbsent', {}, 'linux').next, /apt install usbmuxd.*dnf install.*pacman -S/);
    assert.match(problem('muxAbsent', {}, 'win32').next, /Apple Devices/);
    assert.match(problem('noPermission', {}, 'darwin').next, /Full Disk Access/);
    assert.doesNotMatch(problem('noPermission', {}, 'linux').next, /Full Disk Access/);
    assert.match(problem('trustFailed', { finding: 'pairRecordNotKept' }, 'linux').next, /\/var\/lib\/lockdown/);
  });

  it('has an answer for the code of a newer engine', () => {
    assert.deepEqual(problem('fromTheFuture' as ErrorCode), problem('unexpected'));
    assert.deepEqual(problem('toString' as ErrorCode), problem('unexpected'));
  });
});
