import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { findSidecar } from '../../../../src/backups/store/findSidecar';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../../src/backups/store/recover';
import { readSidecar } from '../../../../src/backups/store/sidecar';
import { openStaging } from '../../../../src/backups/store/staging';
import { isAppError } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { readTree, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import {
  CHANGES,
  counting,
  crashing,
  failing,
  fullAfter,
  shortWrites,
  withoutLinks,
  withoutSync,
} from '../../../support/fileSystemFaults';
import { changed, incrementalRun, kept, removed } from '../../../support/incrementalRun';

const disk = withoutSync(nodeFileSystem());
const lockTiming = { beatMs: 5000, deadMs: 40, settleMs: 0 };

/** Finished backup → the next one, with this disk. */
async function run(folder: string, fileSystem: FileSystem, round = 1): Promise<void> {
  const staging = await openStaging({ folder, udid: UDID, fileSystem, lockTiming });
  try {
    await incrementalRun(staging.store, round);
    await staging.commit(() => Promise.resolve());
  } finally {
    await staging.suspend();
  }
}

/** Every change of the commit, and every fourth of what comes before it, where a crash leaves only a staging folder. */
function* pointsOf(changes: number): Generator<number> {
  for (let at = 0; at < changes; at += at < changes - 45 ? 4 : 1) yield at;
}

/** The lock of a crashed run names this process, which lives. */
function killOwner(folder: string): void {
  const lock = path.join(folder, `.ios-backup/${UDID}.lock`);
  if (!fs.existsSync(lock)) return;
  const owner = fs.readFileSync(lock, 'utf8');
  fs.writeFileSync(lock, owner.replace(/"boot":"[^"]*"/, '"boot":"before"'));
}

for (const [mode, wrap] of [
  ['links', (fileSystem: FileSystem) => fileSystem],
  ['overlay', withoutLinks],
] as const) {
  describe(`a run by ${mode} that stops`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let template: ReturnType<typeof temporaryFolder>;
    let before: Record<string, string>;
    let after: Record<string, string>;
    const finished = () => path.join(folder.path, UDID);
    const start = () => {
      fs.rmSync(folder.path, { recursive: true, force: true });
      fs.cpSync(template.path, folder.path, { recursive: true, preserveTimestamps: true });
    };

    beforeEach(async () => {
      template = temporaryFolder();
      folder = temporaryFolder();
      writeBackup(path.join(template.path, UDID), {
        blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'removed' },
      });
      start();
      before = readTree(finished());
      await run(folder.path, wrap(disk));
      after = readTree(finished());
      start();
    });
    afterEach(() => {
      folder.remove();
      template.remove();
    });

    /** The last good backup is what it was or the new one is whole, and nothing else can be seen. */
    const check = async (what: string, shared = mode === 'links'): Promise<'old' | 'new'> => {
      await recover(folder.path, silentLog, { fileSystem: disk, lockTiming });
      const tree = readTree(finished());
      const outcome = tree['Status.plist'] === before['Status.plist'] ? 'old' : 'new';
      assert.deepEqual(tree, outcome === 'old' ? before : after, what);
      const others = fs
        .readdirSync(folder.path)
        .filter((name) => !['.ios-backup', UDID, `.${UDID}.partial`].includes(name));
      if (outcome === 'new' && shared) {
        assert.match(others.join(), /^00008101-000A1B2C3D4E001E-20240506-\d{6}$/, what);
        assert.deepEqual(readTree(path.join(folder.path, others[0] ?? '')), before, what);
      } else {
        assert.deepEqual(others, [], what);
      }
      const own = path.join(folder.path, '.ios-backup');
      const left = fs.existsSync(own)
        ? fs.readdirSync(own).filter((name) => !['sidecars', 'automatic'].includes(name))
        : [];
      assert.deepEqual(left, [], what);
      const sidecar = await findSidecar(disk, finished());
      if (sidecar) {
        for await (const entries of readSidecar(disk, sidecar.path)) {
          for (const { file, size, sha256 } of entries) assert.equal(tree[file], `${size} ${sha256}`, what);
        }
      }
      return outcome;
    };

    const changesOfARun = async () => {
      const { fileSystem, changes } = counting(wrap(disk));
      await run(folder.path, fileSystem);
      start();
      return changes();
    };

    // Only a write has a middle.
    for (const [when, what] of [
      ['before', 'change'],
      ['within', 'write'],
    ] as const) {
      it(`${when} any ${what} leaves the old backup or the new one`, async () => {
        const { fileSystem, changes: countOf, writes } = counting(wrap(disk));
        await run(folder.path, fileSystem);
        const changes = countOf();
        assert.ok(changes > 60);
        const outcomes = new Set<string>();
        for (const at of when === 'within' ? writes : pointsOf(changes)) {
          start();
          await assert.rejects(run(folder.path, crashing(wrap(disk), at, when))).catch((error: unknown) => {
            // After the last step of the commit only tidying is left, which may fail unseen.
            if (readTree(finished())['Status.plist'] !== after['Status.plist']) throw error;
          });
          killOwner(folder.path);
          outcomes.add(await check(`${when} change ${at}`));
          const snapshot = readTree(folder.path);
          await recover(folder.path, silentLog, { fileSystem: disk, lockTiming });
          assert.deepEqual(readTree(folder.path), snapshot, `a second recovery after change ${at}`);
          if (at % 7 === 0) {
            await run(folder.path, wrap(disk), 2);
            assert.equal(fs.existsSync(path.join(folder.path, `.${UDID}.partial`)), false);
          }
        }
        assert.deepEqual([...outcomes].sort(), when === 'within' ? ['old'] : ['new', 'old']);
      });
    }

    it('again in the middle of its recovery recovers all the same', async () => {
      const changes = await changesOfARun();
      let interrupted = 0;
      for (let at = changes - 1; at > changes - 24; at -= 3) {
        for (let second = 0; second < 15; second += 2) {
          start();
          await run(folder.path, crashing(wrap(disk), at, 'before')).catch(() => {});
          killOwner(folder.path);
          const outcome = counting(disk);
          await recover(folder.path, silentLog, {
            fileSystem: crashing(outcome.fileSystem, second, 'before'),
            lockTiming,
          });
          if (outcome.changes() === second) interrupted++;
          killOwner(folder.path);
          await check(`change ${at}, then ${second}`);
        }
      }
      assert.ok(interrupted > 20);
    });

    for (const code of ['ENOSPC', 'EIO']) {
      it(`by ${code} at any change says so and leaves the old backup or the new one`, async () => {
        const changes = await changesOfARun();
        for (const at of pointsOf(changes)) {
          start();
          let count = 0;
          let shared = mode === 'links';
          const fileSystem = failing(wrap(disk), code, ({ name, path: place }) => {
            const mine = CHANGES.has(name) && count++ === at;
            // A disk that refuses the first link is one without links.
            if (mine && name === 'link' && place.includes('probe')) shared = false;
            return mine;
          });
          let failure: Error | undefined;
          await run(folder.path, fileSystem).catch((error: Error) => (failure = error));
          if (failure !== undefined) assert.ok(isAppError(failure), `change ${at}: ${failure?.message}`);
          const outcome = await check(`${code} at change ${at}`, shared);
          assert.equal(outcome, failure === undefined ? 'new' : 'old', `${code} at change ${at}: ${failure?.message}`);
        }
      });
    }

    it('because the disk is full says so and leaves the old backup', async () => {
      let written = 0;
      await run(
        folder.path,
        failing(wrap(disk), 'none', ({ name, bytes }) => {
          if (name === 'write') written += bytes?.length ?? 0;
          return false;
        }),
      );
      const outcomes = new Set<string>();
      for (let room = 0; room < written; room += Math.ceil(written / 40)) {
        start();
        let failure: Error | undefined;
        await run(folder.path, fullAfter(wrap(disk), room)).catch((error: Error) => (failure = error));
        const outcome = await check(`room for ${room} bytes`);
        outcomes.add(outcome);
        assert.equal(outcome, failure === undefined ? 'new' : 'old');
        if (failure !== undefined)
          assert.ok(isAppError(failure, 'hostDiskFull'), `room for ${room} bytes: ${failure?.message}`);
      }
      assert.ok(outcomes.has('old'));
    });

    it('never, when each write takes only some bytes', async () => {
      await run(folder.path, shortWrites(wrap(disk), 7));
      assert.equal(await check('short writes'), 'new');
    });
  });
}
