import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FaultKind, FaultStory } from '../faultKind';
import { FaultRig } from '../faultRig';
import type { Random } from '../random';
import { DISK_ERRORS } from './diskErrors';

/** About so many calls change something in the small incremental backup. */
const CALLS = 700;

/** The whole engine on a disk of which one call fails. */
class EngineOnFailingDisk implements FaultStory {
  private constructor(private readonly rig: FaultRig) {}

  static async start(): Promise<EngineOnFailingDisk> {
    const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'faults-failing-')), 'backups');
    const env = { FAULTY_FOLDER: folder };
    return new EngineOnFailingDisk(await FaultRig.start({ folder, env, program: 'test/support/faultyEngine.ts' }));
  }

  async round(random: Random, round: number): Promise<string> {
    const { rig } = this;
    rig.forgetVersions();
    const good = await rig.goodBackup();
    await rig.change();
    const [system, codes] = DISK_ERRORS[round % DISK_ERRORS.length] ?? assert.fail();
    await this.#engineWith({ FAULTY_CODE: system, FAULTY_AT: String(random.below(CALLS)) });
    const end = await rig.backUp();
    if (!end.done) assert.ok(codes.includes(end.error.code), `${system}: ${end.error.code} ${end.error.message}`);
    await rig.assertStillThere(good);
    await this.#engineWith({});
    await rig.mustSucceed();
    return end.done ? 'got over' : end.error.code;
  }

  /** Another engine: what fails is settled when it starts. */
  async #engineWith(faults: Readonly<Record<string, string>>): Promise<void> {
    const { env } = this.rig.home;
    for (const name of ['FAULTY_CODE', 'FAULTY_AT']) delete env[name];
    Object.assign(env, faults);
    await this.rig.killEngine();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    fs.rmSync(path.dirname(this.rig.folder), { recursive: true, force: true });
  }
}

export const engineDiskErrors: FaultKind = {
  name: 'engineDiskErrors',
  what: 'a call of the whole engine to the disk fails with one of them',
  rounds: 21,
  short: 2,
  start: () => EngineOnFailingDisk.start(),
};
