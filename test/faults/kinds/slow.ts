import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { delay } from '../../../src/base/abort';
import type { FaultKind, FaultStory } from '../faultKind';
import { FaultRig } from '../faultRig';
import type { Random } from '../random';
import { peakMiB } from '../processMemory';

/** Whatever waits for whom: so much may lie in memory between a fast device and a slow disk. */
const MOST_MIB = 120;
/** A person who cancels is told within this time, also by a disk that answers late. */
const CANCELLED_WITHIN_MS = 20_000;

/** A disk that is much slower than the device, or the other way round; every second backup is cancelled in the middle. */
class Slow implements FaultStory {
  private constructor(
    private readonly rig: FaultRig,
    private readonly rate: number,
  ) {}

  static async start(disk: 'slow' | 'quick', rate: number): Promise<Slow> {
    const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'faults-slow-')), 'backups');
    const env = disk === 'slow' ? { FAULTY_FOLDER: folder, FAULTY_DELAY_MS: '8' } : {};
    const groups = [
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 40, size: 3000 },
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 3, size: 25_000_000 },
    ];
    const content = { files: [], groups: disk === 'slow' ? groups : groups.slice(0, 1) };
    const rig = await FaultRig.start({ folder, env, content, program: 'test/support/faultyEngine.ts' });
    return new Slow(rig, rate);
  }

  async round(random: Random, round: number): Promise<string> {
    const { rig } = this;
    rig.forgetVersions();
    const { pid } = (await rig.client()).info;
    const before = peakMiB(pid);
    const good = await rig.goodBackup();
    await rig.phone.device.set({ rate: this.rate });
    await rig.change(20);
    let how = 'finished';
    if (round % 2 === 1) {
      const cancel = new AbortController();
      const running = rig.backUp({ signal: cancel.signal, full: true });
      await delay(random.below(1500));
      cancel.abort();
      const asked = performance.now();
      const end = await running;
      assert.ok(performance.now() - asked < CANCELLED_WITHIN_MS, 'cancelling took too long');
      if (!end.done) assert.equal(end.error.code, 'cancelled');
      how = end.done ? 'finished' : 'cancelled';
    }
    await rig.mustSucceed();
    await rig.assertStillThere(good);
    const grown = peakMiB(pid) - before;
    assert.ok(grown <= MOST_MIB, `the engine took ${Math.round(grown)} MiB more`);
    await rig.phone.device.set({ rate: 0 });
    return how;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    fs.rmSync(path.dirname(this.rig.folder), { recursive: true, force: true });
  }
}

export const slow: readonly FaultKind[] = [
  {
    name: 'slowDisk',
    what: 'a disk that takes 8 ms for each call, under a fast device: bounded memory, and cancelling works',
    rounds: 2,
    short: 0,
    start: () => Slow.start('slow', 0),
  },
  {
    name: 'slowDevice',
    what: 'a device that sends 100 KB a second: bounded memory, and cancelling works',
    rounds: 6,
    short: 1,
    start: () => Slow.start('quick', 100_000),
  },
];
