import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FaultKind } from '../faultKind';
import { FaultRig } from '../faultRig';
import { killFault } from '../killFault';
import { lacksExfat, mountExfat } from '../smallDisk';
import { treeHash } from '../treeHash';
import { KilledBackup } from './killBackup';

/** Where files cannot be shared there is one backup, which the next one is merged into. */
class KilledOverlay extends KilledBackup {
  /** Old or new, and whole: what was merged half is merged to its end, or taken back, by the next look at it. */
  override async check(): Promise<void> {
    const { rig } = this;
    assert.deepEqual(rig.versions, []);
    if (treeHash(rig.finished) !== this.good) return;
    await rig.assertStillThere(this.good);
  }
}

/** The engine is told that the disk has none: for computers without such a disk. */
const asked = killFault(
  {
    name: 'killWithoutLinks',
    what: '… of an incremental backup on a disk without links, where the new one is merged into the old one',
    rounds: 20,
    short: 2,
  },
  async () => {
    const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'faults-linkless-')), 'backups');
    const env = { FAULTY_LINKS: 'none', FAULTY_FOLDER: folder };
    const rig = await FaultRig.start({ folder, env, program: 'test/support/faultyEngine.ts' });
    return new KilledOverlay(rig, {}, () => fs.rmSync(path.dirname(folder), { recursive: true, force: true }));
  },
);

const real: FaultKind = {
  ...killFault(
    {
      name: 'killExfat',
      what: '… of an incremental backup on a real exFAT disk, which has no links',
      rounds: 15,
      short: 1,
    },
    async () => {
      const disk = mountExfat(640 << 20);
      return new KilledOverlay(await FaultRig.start({ folder: disk.folder }), {}, () => disk[Symbol.dispose]());
    },
  ),
  lacks: lacksExfat,
};

export const withoutLinks: readonly FaultKind[] = [asked, real];
