import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bootId } from '../../../src/backups/store/folderLock';
import type { FaultKind, FaultStory } from '../faultKind';
import { FaultRig } from '../faultRig';
import type { Random } from '../random';

/** Locks on a folder of backups that nobody holds any more. The last one takes twenty seconds to be sure of. */
const LOCKS: Readonly<Record<string, () => string>> = {
  'of a dead process': () => owner({ pid: 4_194_304 - 1 }),
  'of an earlier run of the computer': () => owner({ boot: 'before' }),
  'of a process id that was used again': () => owner({ began: '1' }),
  torn: () => owner({}).slice(0, 9),
  'of garbage': () => '\0\0\0\0[[[',
  empty: () => '',
  'of another computer that is not there any more': () => owner({ host: 'elsewhere' }),
};

class StaleLocks implements FaultStory {
  private constructor(private readonly rig: FaultRig) {}

  static async start(): Promise<StaleLocks> {
    return new StaleLocks(await FaultRig.start());
  }

  async round(_random: Random, round: number): Promise<string> {
    const { rig } = this;
    rig.forgetVersions();
    const good = await rig.goodBackup();
    await rig.change();
    const [, lock] = Object.entries(LOCKS)[round % Object.keys(LOCKS).length] ?? assert.fail();
    fs.writeFileSync(path.join(rig.folder, '.ios-backup', `${rig.udid}.lock`), lock());
    await rig.mustSucceed();
    await rig.assertStillThere(good);
    return 'taken over';
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

function owner(more: object): string {
  return JSON.stringify({ host: os.hostname(), pid: process.pid, boot: bootId(), began: '', token: 'x', ...more });
}

export const staleLocks: FaultKind = {
  name: 'staleLocks',
  what: 'a backup meets a lock that nobody holds any more',
  rounds: 7,
  short: 2,
  start: () => StaleLocks.start(),
};
