import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { FileSystem } from '../../../src/backups/store/fileSystem';
import { nodeFileSystem } from '../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../src/backups/store/recover';
import { openStaging } from '../../../src/backups/store/staging';
import type { ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { readTree, temporaryFolder, UDID, writeBackup } from '../../support/backupFolders';
import { type DiskCall, intercepted, withoutLinks, withoutSync } from '../../support/fileSystemFaults';
import { changed, incrementalRun, kept, removed } from '../../support/incrementalRun';
import type { FaultKind, FaultStory } from '../faultKind';
import { descriptorsOf, told } from '../faultRig';
import type { Random } from '../random';

/** What a disk says, and what a person is told then. */
export const DISK_ERRORS: readonly (readonly [system: string, told: readonly ErrorCode[]])[] = [
  ['ENOSPC', ['hostDiskFull']],
  ['EIO', ['diskError']],
  ['EACCES', ['folderNotWritable', 'noPermission']],
  ['EROFS', ['folderNotWritable']],
  ['EMFILE', ['diskError']],
  ['EBUSY', ['diskError']],
  ['ENAMETOOLONG', ['nameNotPossible']],
];

/** Once, from then on, or after half of a write was taken. */
type Manner = 'once' | 'forEver' | 'short';

const disk = withoutSync(nodeFileSystem());
const lockTiming = { beatMs: 5000, deadMs: 40, settleMs: 0 };
const modes = [(fileSystem: FileSystem) => fileSystem, withoutLinks] as const;

/** Every call of the store to the disk fails, one after the other, with each error that disks give. */
class FailingDisk implements FaultStory {
  readonly #place = temporaryFolder();
  readonly #template = path.join(this.#place.path, 'template');
  readonly #folder = path.join(this.#place.path, 'backups');
  /** Calls of an undisturbed run, by mode. */
  readonly #calls: number[] = [];
  #before: Record<string, string> = {};
  #after: Record<string, string> = {};

  static async start(): Promise<FailingDisk> {
    const story = new FailingDisk();
    fs.mkdirSync(story.#template);
    writeBackup(path.join(story.#template, UDID), { blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'gone' } });
    for (const wrap of modes) {
      story.#begin();
      story.#before = story.#finished();
      let calls = 0;
      await story.#run(
        intercepted(wrap(disk), (_call, run) => {
          calls++;
          return run();
        }),
      );
      story.#calls.push(calls);
      story.#after = story.#finished();
    }
    return story;
  }

  async round(random: Random, round: number): Promise<string> {
    const mode = round % modes.length;
    const wrap = modes[mode] ?? modes[0];
    const [system, codes] = DISK_ERRORS[Math.floor(round / modes.length) % DISK_ERRORS.length] ?? assert.fail();
    const manner = random.pick<Manner>(system === 'ENOSPC' ? ['once', 'forEver', 'short'] : ['once', 'forEver']);
    const at = random.below(this.#calls[mode] ?? 0);
    const what = `${system} ${manner} at call ${at} of ${mode === 0 ? 'links' : 'overlay'}`;
    this.#begin();
    const end = await told(() => this.#run(failingAt(wrap(disk), system, at, manner)));
    if (!end.done) assert.ok(codes.includes(end.error.code), `${what}: ${end.error.code} ${end.error.message}`);
    this.#letOwnerDie();
    await recover(this.#folder, silentLog, { fileSystem: disk, lockTiming });
    const tree = this.#finished();
    const isOld = tree['Status.plist'] === this.#before['Status.plist'];
    assert.deepEqual(tree, isOld ? this.#before : this.#after, what);
    // A disk that goes on to refuse can keep a decided commit from being told as done.
    if (manner !== 'forEver') assert.equal(isOld, !end.done, `${what}: ${end.done ? 'done' : end.error.message}`);
    if (end.done) assert.ok(!isOld, `${what}: said to be done`);
    await this.#run(wrap(disk), 2);
    const names = fs.readdirSync(this.#folder).filter((name) => !name.startsWith(`${UDID}-`));
    assert.deepEqual(names.sort(), ['.ios-backup', UDID], what);
    const own = fs.readdirSync(path.join(this.#folder, '.ios-backup'));
    assert.deepEqual(
      own.filter((name) => !['sidecars', 'automatic'].includes(name)),
      [],
      what,
    );
    assert.deepEqual(
      descriptorsOf(process.pid).filter((place) => place.startsWith(this.#folder)),
      [],
      what,
    );
    assert.deepEqual(fs.readdirSync(this.#place.path).sort(), ['backups', 'template'], what);
    return end.done ? 'got over' : end.error.code;
  }

  async #run(fileSystem: FileSystem, round = 1): Promise<void> {
    const staging = await openStaging({ folder: this.#folder, udid: UDID, fileSystem, lockTiming });
    try {
      await incrementalRun(staging.store, round);
      await staging.commit(() => Promise.resolve());
    } finally {
      await staging.suspend();
    }
  }

  #begin(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
    fs.cpSync(this.#template, this.#folder, { recursive: true, preserveTimestamps: true });
  }

  #finished(): Record<string, string> {
    return readTree(path.join(this.#folder, UDID));
  }

  /** A lock that could not be removed names this process, which lives. */
  #letOwnerDie(): void {
    const lock = path.join(this.#folder, '.ios-backup', `${UDID}.lock`);
    if (!fs.existsSync(lock)) return;
    fs.writeFileSync(lock, fs.readFileSync(lock, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"before"'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#place.remove());
  }
}

function failingAt(inner: FileSystem, code: string, at: number, manner: Manner): FileSystem {
  let calls = 0;
  let broken = false;
  const failure = ({ path: place }: DiskCall) => Object.assign(new Error(`${code}: asked for`), { code, path: place });
  return intercepted(inner, async (call, run) => {
    // The order to flush everything tells nothing of the sort.
    if (call.name === 'syncFileSystem') return run();
    const now = calls++ === at;
    if (manner === 'short') {
      if (now && call.name === 'write' && (call.bytes?.length ?? 0) > 1) {
        broken = true;
        return run(call.bytes?.subarray(0, call.bytes.length / 2));
      }
      if (broken && call.name === 'write') {
        broken = false;
        throw failure(call);
      }
      if (!now) return run();
    }
    broken ||= now && manner === 'forEver';
    // Whatever a system says when it closes a file: the file is closed.
    if ((now || broken) && call.name === 'close') await run();
    if (now || broken) throw failure(call);
    return run();
  });
}

export const diskErrors: FaultKind = {
  name: 'diskErrors',
  what: 'any call of the store to the disk fails, once, half-way or from then on: ENOSPC, EIO, EACCES, EROFS, EMFILE, EBUSY, ENAMETOOLONG',
  rounds: 700,
  short: 70,
  start: () => FailingDisk.start(),
};
