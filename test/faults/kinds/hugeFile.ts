import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { FaultKind, FaultStory } from '../faultKind';
import { assertSound, FaultRig } from '../faultRig';
import { peakMiB } from '../processMemory';

/** More than fits into 32 bits. */
const SIZE = 2 ** 32 + 100_000_001;
const MOST_MIB = 150;

/** A file of more than 4 GiB: as a film of an hour. */
class HugeFile implements FaultStory {
  #grownMiB = 0;

  private constructor(private readonly rig: FaultRig) {}

  static async start(): Promise<HugeFile> {
    const file = {
      domain: 'CameraRollDomain',
      relativePath: 'Media/DCIM/100APPLE/film.mov',
      kind: 'file',
      size: SIZE,
    } as const;
    return new HugeFile(await FaultRig.start({ content: { files: [file], groups: [] } }));
  }

  async round(): Promise<string> {
    const { rig } = this;
    const { pid } = (await rig.client()).info;
    const before = peakMiB(pid);
    const end = await rig.run((client) => client.call('backUp', { udid: rig.udid, folder: rig.folder }), 30 * 60_000);
    assert.ok(end.done, end.done ? '' : `${end.error.code} ${end.error.message}`);
    this.#grownMiB = peakMiB(pid) - before;
    assert.ok(this.#grownMiB <= MOST_MIB, `the engine took ${this.#grownMiB} MiB more`);
    assert.deepEqual(await rig.phone.device.compareFolder(rig.folder), []);
    await assertSound(rig.finished);
    const sizes = (fs.readdirSync(rig.finished, { recursive: true }) as string[]).map(
      (name) => fs.statSync(path.join(rig.finished, name)).size,
    );
    assert.ok(sizes.includes(SIZE), 'the file has its length');
    return 'finished';
  }

  facts(): string {
    return `${(SIZE / 2 ** 30).toFixed(1)} GiB, the engine took ${this.#grownMiB} MiB more`;
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

export const hugeFile: FaultKind = {
  name: 'hugeFile',
  what: 'a file of more than 2³² bytes, with bounded memory',
  rounds: 1,
  short: 0,
  start: () => HugeFile.start(),
};
