import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { delay } from '../../src/base/abort';
import type { ErrorCode } from '../../src/base/errors';
import { FAULT_WAYS } from '../virtualDevice/fault';
import { FaultRig } from './faultRig';
import { Random } from './random';
import { restoreFaults } from './restoreFaults';

/** What stops, and how often: one round does harm once, then lets the next backup succeed. */
export interface FaultKind {
  readonly name: string;
  readonly what: string;
  /** Rounds of a run by hand, unless told otherwise. */
  readonly rounds: number;
  /** Rounds among the tests. */
  readonly short: number;
  /** @throws AssertionError if a promise is broken. @returns how each round ended. */
  run(options: {
    readonly seed: number;
    readonly rounds: number;
    readonly told?: (round: number) => void;
  }): Promise<readonly string[]>;
}

/** A lost cable can show itself in several ways, depending on which wait notices it. */
const LOST: readonly ErrorCode[] = [
  'deviceGone',
  'deviceStopped',
  'unexpectedReply',
  'noDevice',
  'deviceNotFound',
  'timedOut',
  'tlsFailed',
  'connectionRefused',
];

const unplug: FaultKind = {
  name: 'unplug',
  what: 'the cable comes out at a random byte or message, four ways',
  rounds: 50,
  short: 10,
  async run({ seed, rounds, told }) {
    const random = new Random(seed);
    const ends: string[] = [];
    await using rig = await FaultRig.start();
    for (let round = 0; round < rounds; round++) {
      const good = await rig.goodBackup();
      await rig.change();
      // Silence, the fifth way, is not told from a device that prepares, which may take half an hour: a person ends it.
      const way = random.pick(FAULT_WAYS.filter((one) => one !== 'silence'));
      const at = random.next() < 0.5 ? { byte: random.below(3_000_000) } : { message: random.below(120) };
      await rig.phone.device.armFault({ at, way });
      const end = await rig.backUp();
      if (!end.done)
        assert.ok(
          LOST.includes(end.error.code),
          `${JSON.stringify(at)} ${way}: ${end.error.code} ${end.error.message}`,
        );
      rig.assertStillThere(good);
      ends.push(end.done ? 'finished' : end.error.code);
      await rig.phone.device.disarmFault();
      await rig.phone.device.unplug();
      await rig.phone.device.plug();
      await rig.mustSucceed();
      rig.forgetVersions();
      told?.(round);
    }
    return ends;
  },
};

const kill: FaultKind = {
  name: 'kill',
  what: 'SIGKILL of the engine at a random instant',
  rounds: 50,
  short: 10,
  async run({ seed, rounds, told }) {
    const random = new Random(seed);
    const ends: string[] = [];
    await using rig = await FaultRig.start();
    await rig.goodBackup();
    // Instants are spread over the time that a whole run takes here.
    let longest = 500;
    for (let round = 0; round < rounds; round++) {
      const good = await rig.goodBackup();
      await rig.change();
      const started = Date.now();
      const running = rig.backUp();
      await delay(random.below(Math.ceil(longest * 1.1)));
      for (const pid of rig.home.enginePids()) process.kill(pid, 'SIGKILL');
      const end = await running;
      if (!end.done) assert.equal(end.error.code, 'engineGone', end.error.message);
      rig.assertStillThere(good);
      ends.push(end.done ? 'finished' : end.error.code);
      const began = Date.now();
      await rig.mustSucceed();
      longest = Math.max(longest, Date.now() - began, end.done ? began - started : 0);
      rig.forgetVersions();
      told?.(round);
    }
    return ends;
  },
};

const fullDisk: FaultKind = {
  name: 'fullDisk',
  what: 'a real file system that is too small at the start, or fills up meanwhile, at many sizes',
  rounds: 20,
  short: 4,
  async run({ seed, rounds, told }) {
    const random = new Random(seed);
    const ends: string[] = [];
    for (let round = 0; round < rounds; round++) {
      ends.push(await (round % 2 === 0 ? tooSmall(round / rounds) : fillsUp(random)));
      told?.(round);
    }
    return ends;
  },
};

/** A device begins only when 128 MiB more than it sends are free, so a small disk is refused before anything is sent. */
async function tooSmall(fraction: number): Promise<string> {
  const bytes = Math.round(1_000_000 + fraction * 130_000_000);
  using disk = mountSmall(bytes);
  await using rig = await FaultRig.start(disk.folder);
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
  await using rig = await FaultRig.start(disk.folder);
  const good = await rig.goodBackup();
  await rig.phone.device.changeFiles(200, random.below(1_000_000));
  await rig.phone.device.set({ rate: 2_000_000 });
  const running = rig.backUp();
  await delay(random.below(2500));
  const filler = path.join(disk.folder, '.ios-backup', 'filler');
  fillUp(filler, random.below(1_500_000));
  const end = await running;
  if (!end.done) assert.equal(end.error.code, 'hostDiskFull', end.error.message);
  rig.assertStillThere(good);
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

/** A tmpfs of its own: an ordinary file system for all that matters here, and exactly as large as wanted. */
function mountSmall(bytes: number): Disposable & { readonly folder: string; grow(bytes: number): void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', folder]);
  return {
    folder,
    grow: (size) => execFileSync('mount', ['-o', `remount,size=${size}`, folder]),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', folder]);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const faults: readonly FaultKind[] = [unplug, kill, fullDisk, ...restoreFaults];
