import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../../src/backups/store/recover';
import { openStaging } from '../../../../src/backups/store/staging';
import { silentLog } from '../../../../src/base/log';
import { readTree, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { withoutLinks, withoutSync } from '../../../support/fileSystemFaults';
import { changed, incrementalRun, kept, removed } from '../../../support/incrementalRun';
import { losePower, recording } from '../../../support/powerLoss';

const lockTiming = { beatMs: 60_000, deadMs: 40, settleMs: 0 };
const disk = withoutSync(nodeFileSystem());
const STATES = Number(process.env.POWER_LOSS_STATES ?? 18);

async function run(folder: string, fileSystem: FileSystem, round: number): Promise<void> {
  const staging = await openStaging({ folder, udid: UDID, fileSystem, lockTiming });
  try {
    await incrementalRun(staging.store, round);
    await staging.commit(() => Promise.resolve());
  } finally {
    await staging.suspend();
  }
}

/** What a restart changes: other processes, and another run of the computer. */
function restart(folder: string): void {
  for (const [file, pattern] of [
    [`.ios-backup/${UDID}.lock`, /"boot":"[^"]*"/],
    [`.${UDID}.partial/.stage/stage.json`, /"unsyncedSince": "[^"]*"/],
  ] as const) {
    const place = path.join(folder, file);
    if (!fs.existsSync(place)) continue;
    fs.writeFileSync(
      place,
      fs.readFileSync(place, 'utf8').replace(pattern, (text) => text.replace(/"[^"]*"$/, '"before"')),
    );
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('after a power loss', () => {
  for (const [mode, wrap] of [
    ['links', (fileSystem: FileSystem) => fileSystem],
    ['overlay', withoutLinks],
  ] as const) {
    for (const [how, wholeSync] of [
      ['the file system flushed at once', true],
      ['files flushed one by one', false],
    ] as const) {
      it(`the old backup or the new one is whole, by ${mode}, ${how}`, async () => {
        const template = temporaryFolder();
        const folder = temporaryFolder();
        const finished = path.join(folder.path, UDID);
        const start = () => {
          fs.rmSync(folder.path, { recursive: true, force: true });
          fs.cpSync(template.path, folder.path, { recursive: true, preserveTimestamps: true });
        };
        try {
          writeBackup(path.join(template.path, UDID), {
            blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'removed' },
          });
          start();
          const before = readTree(finished);
          const { fileSystem, history } = recording(wrap(disk), wholeSync);
          await run(folder.path, fileSystem, 1);
          const after = readTree(finished);
          await run(folder.path, wrap(disk), 2);
          const next = readTree(finished);

          const outcomes = { old: 0, new: 0 };
          for (let state = 0; state < STATES; state++) {
            start();
            // Two thirds around the commit, where names change.
            const at =
              state % 3 === 0
                ? Math.floor((history.length * state) / STATES)
                : history.length - Math.floor((state * 45) / STATES);
            losePower(history, at, randomNumbers(state + 1));
            restart(folder.path);
            await recover(folder.path, silentLog, { fileSystem: disk, lockTiming });
            const tree = readTree(finished);
            const outcome = tree['Status.plist'] === before['Status.plist'] ? 'old' : 'new';
            outcomes[outcome]++;
            assert.deepEqual(
              tree,
              outcome === 'old' ? before : after,
              `state ${state}, after ${at} of ${history.length}`,
            );
            await run(folder.path, wrap(disk), 2);
            assert.deepEqual(readTree(finished), next, `the backup after state ${state}`);
          }
          assert.ok(outcomes.old > 2 && outcomes.new > 2, JSON.stringify(outcomes));
        } finally {
          folder.remove();
          template.remove();
        }
      }).timeout(20_000 + STATES * 1000);
    }
  }
});
