import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { listBackups, recover, type BackupSummary } from '../../../src/backups';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import { silentLog } from '../../../src/base/log';
import { temporaryFolder } from '../../support/backupFolders';
import { bundleProgram } from '../../support/engineProcess';
import { RealBackups } from '../../support/realBackups';

/** Each takes seconds. KILL_POINTS=100: as many as before a release. */
const POINTS = Number(process.env['KILL_POINTS'] ?? 6);

describe('a process that changes backups and is killed', function () {
  this.timeout(60_000 + POINTS * 20_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let template: string;
  let program: string;
  let udid: string;
  let versions: readonly string[];

  before(async () => {
    folder = temporaryFolder();
    template = path.join(folder.path, 'template');
    fs.mkdirSync(path.join(template, 'here'), { recursive: true });
    fs.mkdirSync(path.join(template, 'there'));
    await using device = await RealBackups.start();
    udid = device.udid;
    for (let count = 0; count < 4; count++) {
      await device.change(4, count + 1);
      await device.make(path.join(template, 'here'));
    }
    versions = fs.readdirSync(path.join(template, 'here')).filter((name) => name.startsWith(`${udid}-`));
    assert.equal(versions.length, 3);
    program = await bundleProgram('test/support/changeBackupsProgram.ts');
  });
  after(() => folder.remove());

  interface Change {
    readonly name: string;
    readonly places: (here: string, there: string) => readonly string[];
    /** How many backups there may be here and there: before it, in the middle of it and after it. */
    readonly ends: readonly (readonly [here: number, there: number])[];
  }
  const version = () => versions[1] ?? '';
  const changes: readonly Change[] = [
    { name: 'delete', places: (here) => [path.join(here, version())], ends: [[4, 0], [3, 0]] }, // prettier-ignore
    { name: 'retention', places: (here) => [here, udid], ends: [[4, 0], [3, 0], [2, 0], [1, 0]] }, // prettier-ignore
    { name: 'archive', places: (here) => [path.join(here, udid)], ends: [[4, 0], [5, 0]] }, // prettier-ignore
    { name: 'move', places: (here, there) => [path.join(here, version()), there], ends: [[4, 0], [4, 1], [3, 1]] }, // prettier-ignore
  ];

  for (const { name, places, ends } of changes) {
    it(`${name}: at ${POINTS} moments, nothing is lost but what was to go, and nothing is half there`, async () => {
      const met = new Map<string, number>();
      const full = await timeOf(name, places);
      for (let point = 0; point < POINTS; point++) {
        const copy = path.join(folder.path, `copy-${point}`);
        const [here, there] = [path.join(copy, 'here'), path.join(copy, 'there')];
        execFileSync('cp', ['-a', template, copy]);
        // The last one is left alone.
        await run([name, ...places(here, there)], point === POINTS - 1 ? undefined : (full * point * 1.1) / POINTS);
        await recover(here, silentLog);
        await recover(there, silentLog);
        const [left, come] = [await backupsIn(here), await backupsIn(there)];
        const end = [left.length, come.length].join();
        met.set(end, (met.get(end) ?? 0) + 1);
        assert.ok(
          ends.some((one) => one.join() === end),
          `${end} backups at point ${point}`,
        );
        assert.ok(
          left.some(({ path: one }) => one === path.join(here, udid)),
          'the present backup is there',
        );
        for (const { path: one } of [...left, ...come]) {
          const report = await verifyBackup({ path: one, level: 'full' });
          assert.deepEqual(report.findings, [], `${one} at point ${point}`);
          assert.equal(report.hashesKnown, true);
        }
        for (const place of [here, there]) await refuseLeftOvers(place);
        fs.rmSync(copy, { recursive: true });
      }
      assert.ok(met.has(ends.at(-1)!.join()), JSON.stringify([...met]));
      // With so many, both sides of the step are met, or the moments were badly chosen.
      if (POINTS >= 50) assert.ok(met.has(ends[0]!.join()), JSON.stringify([...met]));
    });
  }

  async function backupsIn(place: string): Promise<readonly BackupSummary[]> {
    return (await listBackups([{ path: place, kind: 'own' }])).backups;
  }

  /** What nobody would ever look at or remove. */
  async function refuseLeftOvers(place: string): Promise<void> {
    const known = new Set((await backupsIn(place)).map(({ path: one }) => path.basename(one)));
    const others = fs.readdirSync(place).filter((name) => name !== '.ios-backup' && !known.has(name));
    assert.deepEqual(others, []);
    const own = path.join(place, '.ios-backup');
    const inOwn = (name: string) => (fs.existsSync(path.join(own, name)) ? fs.readdirSync(path.join(own, name)) : []);
    assert.deepEqual([...inOwn('building'), ...inOwn('trash')], []);
  }

  /** Kills it so many milliseconds after it began. @returns how many it took */
  function run(args: readonly string[], afterMs?: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let began = 0;
      child.stdout.once('data', () => {
        began = performance.now();
        if (afterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), afterMs);
      });
      let trouble = '';
      child.stderr.on('data', (chunk) => (trouble += String(chunk)));
      child.once('error', reject);
      child.once('close', () => (trouble === '' ? resolve(performance.now() - began) : reject(new Error(trouble))));
    });
  }

  async function timeOf(name: string, places: Change['places']): Promise<number> {
    const copy = path.join(folder.path, 'timed');
    execFileSync('cp', ['-a', template, copy]);
    const time = await run([name, ...places(path.join(copy, 'here'), path.join(copy, 'there'))]);
    fs.rmSync(copy, { recursive: true });
    return time;
  }
});
