import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { nodeFileSystem } from '../../../src/backups';
import { findSidecar } from '../../../src/backups/store/findSidecar';
import { verifyBackup } from '../../../src/backups/verify/verifyBackup';
import type { VerifyReport } from '../../../src/backups';
import { temporaryFolder } from '../../support/backupFolders';
import { RealBackups } from '../../support/realBackups';

const ROUNDS = 250;
const password = 'correct horse';

for (const encrypted of [false, true]) {
  describe(`${ROUNDS} accidents in ${encrypted ? 'an encrypted' : 'a plain'} backup`, function () {
    this.timeout(300_000);
    let folder: ReturnType<typeof temporaryFolder>;
    let backup: string;
    let files: readonly string[];

    before(async () => {
      folder = temporaryFolder();
      await using device = await RealBackups.start(encrypted ? { backupPassword: password } : {});
      ({ path: backup } = await device.make(folder.path));
      files = (fs.readdirSync(backup, { recursive: true }) as string[])
        .filter((file) => fs.statSync(path.join(backup, file)).isFile())
        .sort();
    });
    after(() => folder.remove());

    const check = (level: 'quick' | 'full', withPassword = false) =>
      verifyBackup({ path: backup, level, ...(withPassword && { password }) });

    it('finds nothing before the first one', async () => {
      for (const level of ['quick', 'full'] as const) {
        for (const withPassword of encrypted ? [true, false] : [false]) {
          const report = await check(level, withPassword);
          assert.deepEqual(report.findings, []);
          assert.equal(report.damages, 0);
          assert.equal(report.files, files.length - 4);
          assert.deepEqual(report.hashesKnown, true);
        }
      }
      assert.ok(await findSidecar(nodeFileSystem(), backup));
    });

    it('finds every one, with the file that it hit', async () => {
      const random = randomNumbers(encrypted ? 2 : 1);
      const missed: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const accident = makeAccident(backup, files, random);
        try {
          const full = await check('full', encrypted && round % 10 === 0);
          if (!accident.hit.every((file) => names(full, file)))
            missed.push(`full ${accident.text}: ${JSON.stringify(full)}`);
          if (full.damages > accident.hit.length + 1)
            missed.push(`too much: full ${accident.text}: ${JSON.stringify(full.findings)}`);
          if (accident.seenBySize) {
            const quick = await check('quick');
            if (!accident.hit.every((file) => names(quick, file)))
              missed.push(`quick ${accident.text}: ${JSON.stringify(quick)}`);
          }
        } finally {
          accident.undo();
        }
      }
      assert.deepEqual(missed, []);
      assert.deepEqual((await check('full')).findings, []);
    });
  });
}

function names(report: VerifyReport, file: string): boolean {
  return report.findings.some((finding) => finding.file === file && finding.severity === 'damage');
}

interface Accident {
  readonly text: string;
  readonly hit: readonly string[];
  /** A file is gone or has another length. */
  readonly seenBySize: boolean;
  undo(): void;
}

/** Every kind of accident to every kind of file: the plists and the index as often as a content. */
function makeAccident(backup: string, files: readonly string[], random: (below: number) => number): Accident {
  const top = files.filter((file) => !file.includes('/'));
  const pick = (some: readonly string[]) => some[random(some.length)] ?? '';
  const file = random(4) === 0 ? pick(top) : pick(files);
  const place = path.join(backup, file);
  const bytes = fs.readFileSync(place);
  // The original waits outside, and comes back as the same file.
  const aside = (name: string) => path.join(path.dirname(backup), `aside-${path.basename(name)}`);
  const put = (name: string, content: Buffer) => {
    fs.renameSync(path.join(backup, name), aside(name));
    fs.writeFileSync(path.join(backup, name), content);
  };
  const back = (name: string) => fs.renameSync(aside(name), path.join(backup, name));
  const undo = () => back(file);
  const kind = bytes.length === 0 ? 2 + random(2) : random(5);
  switch (kind) {
    case 0: {
      const at = random(bytes.length);
      const bit = random(8);
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      put(file, flipped);
      return { text: `bit ${bit} of byte ${at} of ${file}`, hit: [file], seenBySize: false, undo };
    }
    case 1: {
      const length = random(bytes.length);
      put(file, bytes.subarray(0, length));
      return { text: `${file} cut to ${length} of ${bytes.length}`, hit: [file], seenBySize: true, undo };
    }
    case 2:
      fs.renameSync(place, aside(file));
      return { text: `${file} deleted`, hit: [file], seenBySize: true, undo };
    case 3: {
      put(file, Buffer.concat([bytes, Buffer.alloc(1 + random(40))]));
      return { text: `${file} longer`, hit: [file], seenBySize: true, undo };
    }
    default: {
      const other = pick(files.filter((one) => !fs.readFileSync(path.join(backup, one)).equals(bytes)));
      const otherBytes = fs.readFileSync(path.join(backup, other));
      put(file, otherBytes);
      put(other, bytes);
      return {
        text: `${file} and ${other} swapped`,
        hit: [file, other],
        seenBySize: bytes.length !== otherBytes.length,
        undo: () => {
          back(file);
          back(other);
        },
      };
    }
  }
}

/** The same numbers in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
