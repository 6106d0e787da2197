import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { listBackups, recover } from '../../../src/backups';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import { silentLog } from '../../../src/base/log';
import { temporaryFolder } from '../../support/backupFolders';
import { bundleProgram } from '../../support/engineProcess';
import { RealBackups } from '../../support/realBackups';

/** Each takes seconds. KILL_POINTS=50: as many as before a release. */
const POINTS = Number(process.env['KILL_POINTS'] ?? 10);

describe('a process that removes versions and is killed', function () {
  this.timeout(300_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let template: string;
  let program: string;
  let udid: string;
  let versions: readonly string[];

  before(async () => {
    folder = temporaryFolder();
    template = path.join(folder.path, 'template');
    fs.mkdirSync(template);
    await using device = await RealBackups.start();
    udid = device.udid;
    for (let count = 0; count < 4; count++) {
      await device.change(4, count + 1);
      await device.make(template);
    }
    versions = fs.readdirSync(template).filter((name) => name.startsWith(`${udid}-`));
    assert.equal(versions.length, 3);
    program = await bundleProgram('test/support/thinOutProgram.ts');
  });
  after(() => folder.remove());

  for (const what of ['delete', 'retention'] as const) {
    it(`by ${what}, at ${POINTS} moments, harms no other version`, async () => {
      const ends = { untouched: 0, done: 0 };
      const full = await timeOf(what);
      for (let point = 0; point < POINTS; point++) {
        const place = path.join(folder.path, `copy-${point}`);
        execFileSync('cp', ['-a', template, place]);
        await run(place, what, (full * point * 1.25) / POINTS);
        await recover(place, silentLog);
        const { backups } = await listBackups([{ path: place, kind: 'own' }]);
        assert.ok(
          backups.some(({ path: one }) => one === path.join(place, udid)),
          'the present backup is there',
        );
        if (backups.length === 4) ends.untouched++;
        else ends.done++;
        const gone = what === 'delete' ? 1 : 3;
        assert.ok(backups.length >= 4 - gone);
        for (const { path: one } of backups) {
          const report = await verifyBackup({ path: one, level: 'full' });
          assert.deepEqual(report.findings, [], `${one} at point ${point}`);
          assert.equal(report.hashesKnown, true);
        }
        fs.rmSync(place, { recursive: true });
      }
      // Both sides of the step were met, or the moments were badly chosen.
      assert.ok(ends.untouched > 0 && ends.done > 0, JSON.stringify(ends));
    });
  }

  function argumentsFor(place: string, what: 'delete' | 'retention'): readonly string[] {
    return what === 'delete' ? ['delete', path.join(place, versions[1] ?? '')] : ['retention', place, udid];
  }

  /** Kills it so many milliseconds after it began. */
  function run(place: string, what: 'delete' | 'retention', afterMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...argumentsFor(place, what)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
      let trouble = '';
      child.stderr.on('data', (chunk) => (trouble += String(chunk)));
      child.once('error', reject);
      child.once('close', () => (trouble === '' ? resolve() : reject(new Error(trouble))));
    });
  }

  async function timeOf(what: 'delete' | 'retention'): Promise<number> {
    const place = path.join(folder.path, 'timed');
    execFileSync('cp', ['-a', template, place]);
    const start = performance.now();
    await run(place, what, 60_000);
    const time = performance.now() - start;
    fs.rmSync(place, { recursive: true });
    return Math.min(400, time);
  }
});
