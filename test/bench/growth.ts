import fs from 'node:fs';
import path from 'node:path';
import { bundleCli, makeEngineHome } from '../support/engineProcess';
import { runTool } from '../support/foreignTool';
import { startVirtualDevice } from '../support/virtualDeviceProcess';
import type { DeviceDescription } from '../virtualDevice';
import { presetNamed } from '../virtualDevice/presets';
import { processorTime, runMeasured } from './measure';
import type { BenchLine } from './table';

const COUNTS = [200, 2_000, 20_000] as const;
/** Beyond ten times the files: what a cache that is left behind, or a garbage collection, may add. */
const TOLERANCE = 1.5;

/** Ten times the files may take ten times the processor time, not more. */
export async function benchGrowth(scratch: string, rounds: number): Promise<BenchLine[]> {
  const costs: number[] = [];
  for (const count of COUNTS) costs.push(await fullBackup(path.join(scratch, `growth-${count}`), count, rounds));
  return COUNTS.slice(1).map((count, index) => {
    const [before = NaN, now = NaN] = [costs[index], costs[index + 1]];
    return {
      what: `Full backup of ${count.toLocaleString('en')} files of 4 KiB: processor time of the engine`,
      ours: `${(now / 1000).toFixed(2)} s`,
      peer: `${(before / 1000).toFixed(2)} s`,
      peerName: `${(COUNTS[index] ?? NaN).toLocaleString('en')} files`,
      ratio: now / before,
      aim: { text: `at most ${10 * TOLERANCE} × for 10 × the files`, reached: now / before <= 10 * TOLERANCE },
    };
  });
}

/** The least of some rounds, each with an engine that has run one before: compiling is no part of it. In milliseconds. */
async function fullBackup(folder: string, count: number, rounds: number): Promise<number> {
  const preset = presetNamed('benchSmall');
  const groups = preset.content.groups.map((group) => ({ ...group, count }));
  const device: DeviceDescription = { ...preset, content: { ...preset.content, groups } };
  await using phone = await startVirtualDevice([device]);
  await using home = await makeEngineHome({ muxAddress: phone.address, idleMs: 600_000 });
  const cli = await bundleCli();
  const paired = await runTool('idevicepair', ['pair'], phone.address, 60_000);
  if (paired.code !== 0) throw new Error(`idevicepair: ${paired.output}`);
  let least = Infinity;
  for (let round = 0; round <= rounds; round++) {
    fs.mkdirSync(folder);
    const before = engineTime(home.enginePids());
    const command = [process.execPath, cli, 'backup', '--full', '--folder', folder, '--json'] as const;
    const run = await runMeasured(command, home.env);
    if (run.code !== 0) throw new Error(`ios-backup ended with ${run.code}: ${run.output.slice(-500)}`);
    if (round > 0) least = Math.min(least, engineTime(home.enginePids()) - before);
    fs.rmSync(folder, { recursive: true });
  }
  return least;
}

/** Milliseconds of processor time. */
function engineTime([pid]: readonly number[]): number {
  if (pid === undefined) return 0;
  const time = processorTime(pid);
  if (time === undefined) throw new Error('the engine has gone');
  return time;
}
