import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { delay } from '../../../src/base/abort';
import type { FaultKind } from '../faultKind';
import { FaultRig } from '../faultRig';
import type { Random } from '../random';
import { cannotMount, mountSmall } from '../smallDisk';

export const fullDisk: FaultKind = {
  name: 'fullDisk',
  what: 'a real file system is too small at the start, or fills up meanwhile, at many sizes',
  rounds: 12,
  short: 2,
  lacks: cannotMount,
  start: () =>
    Promise.resolve({
      round: (random, round) => (round % 2 === 0 ? tooSmall(random) : fillsUp(random)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

/** A device begins only when 128 MiB more than it sends are free, so a small disk is refused before anything is sent. */
async function tooSmall(random: Random): Promise<string> {
  const bytes = 1_000_000 + random.below(125_000_000);
  using disk = mountSmall(bytes);
  await using rig = await FaultRig.start({ folder: disk.folder });
  const end = await rig.backUp();
  assert.ok(!end.done, `${bytes} bytes were enough`);
  assert.equal(end.error.code, 'hostDiskFull', `${bytes} bytes: ${end.error.message}`);
  assert.ok(!fs.existsSync(rig.finished), 'half a backup took the place of a whole one');
  disk.grow(300_000_000);
  await rig.mustSucceed();
  return 'refused: hostDiskFull';
}

/** Something else takes the room while the backup is running. */
async function fillsUp(random: Random): Promise<string> {
  using disk = mountSmall(200_000_000);
  await using rig = await FaultRig.start({ folder: disk.folder });
  const good = await rig.goodBackup();
  await rig.change(60);
  await rig.phone.device.set({ rate: 1_000_000 });
  const running = rig.backUp();
  await delay(random.below(1500));
  const filler = path.join(disk.folder, '.ios-backup', 'filler');
  fillUp(filler, random.below(1_000_000));
  const end = await running;
  if (!end.done) assert.equal(end.error.code, 'hostDiskFull', end.error.message);
  await rig.assertStillThere(good);
  fs.rmSync(filler);
  await rig.phone.device.set({ rate: 0 });
  await rig.mustSucceed();
  return end.done ? 'finished in time' : 'filled up: hostDiskFull';
}

/** Takes all the room but `left` bytes. */
function fillUp(file: string, left: number): void {
  const fd = fs.openSync(file, 'w');
  try {
    const chunk = Buffer.alloc(256 << 10);
    while (fs.writeSync(fd, chunk) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    fs.ftruncateSync(fd, Math.max(0, fs.fstatSync(fd).size - left));
    fs.closeSync(fd);
  }
}
