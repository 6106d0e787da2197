import fs from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '../support/engineProcess';
import { runTool } from '../support/foreignTool';
import { startVirtualDevice } from '../support/virtualDeviceProcess';
import type { DeviceDescription } from '../virtualDevice';
import { runMeasured, type Cost } from './measure';

/**
 * What it takes to put the content of a device's backup into one file as it comes from TLS, and nothing else: the
 * least that any backup of it can take. On a device of its own, whose backup it leaves in the middle.
 */
export async function bareCopy(scratch: string, device: DeviceDescription): Promise<Cost> {
  const program = await bundleProgram('test/bench/bareCopyProgram.ts');
  await using phone = await startVirtualDevice([device]);
  const paired = await runTool('idevicepair', ['pair'], phone.address, 60_000);
  if (paired.code !== 0) throw new Error(`idevicepair: ${paired.output}`);
  const bytes = device.content.groups.reduce((sum, { count, size }) => sum + count * size, 0);
  const target = path.join(scratch, 'bare');
  const command = [process.execPath, program, phone.address, device.udid, target, String(bytes)] as const;
  const run = await runMeasured(command, process.env);
  if (run.code !== 0) throw new Error(`the bare copy ended with ${run.code}: ${run.output.slice(-500)}`);
  const { size } = fs.statSync(target);
  fs.rmSync(target);
  if (size !== bytes) throw new Error(`the bare copy has ${size} bytes of ${bytes}`);
  const { ms } = JSON.parse(run.output) as { ms: number };
  return { ...run, wallMs: ms };
}
