import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { findSidecar } from '../../../../src/backups/store/findSidecar';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { recover } from '../../../../src/backups/store/recover';
import { readSidecar } from '../../../../src/backups/store/sidecar';
import { openStaging, type Staging } from '../../../../src/backups/store/staging';
import { cancelled } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { readTree, statusPlist, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { failing, intercepted, withoutLinks, withoutSync } from '../../../support/fileSystemFaults';
import { added, blobPath, changed, incrementalRun, kept, removed } from '../../../support/incrementalRun';

const blob = blobPath;
const pass = () => Promise.resolve();
const incremental = ({ store }: Staging) => incrementalRun(store);

const ways: readonly (readonly [string, (fileSystem: FileSystem) => FileSystem])[] = [
  ['links', (fileSystem) => fileSystem],
  ['overlay', withoutLinks],
];

for (const [mode, wrap] of ways) {
  describe(`openStaging() by ${mode}`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    const fileSystem = wrap(withoutSync(nodeFileSystem()));
    const open = (more = {}) => openStaging({ folder: folder.path, udid: UDID, fileSystem, ...more });
    const finished = () => path.join(folder.path, UDID);
    const tree = () => readTree(finished());

    beforeEach(() => {
      folder = temporaryFolder();
      writeBackup(finished(), { blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'removed' } });
    });
    afterEach(() => folder.remove());

    it('makes a first backup', async () => {
      fs.rmSync(finished(), { recursive: true });
      const staging = await open();
      assert.equal(staging.mode, 'empty');
      assert.equal(staging.resumed, false);
      await staging.store.writeFile(`${UDID}/Info.plist`, Buffer.from('info'));
      await staging.store.writeFile(blob(kept), Buffer.from('kept'));
      assert.equal(fs.existsSync(finished()), false);
      const committed = await staging.commit(pass);
      assert.deepEqual(committed, { path: finished() });
      assert.equal(fs.readFileSync(path.join(folder.path, blob(kept)), 'utf8'), 'kept');
      assert.deepEqual(fs.readdirSync(folder.path).sort(), ['.ios-backup', UDID]);
    });

    it('has no file open in what it moves: Windows would refuse it, and FUSE leave it behind', async function () {
      if (process.platform !== 'linux') return this.skip();
      const open = () =>
        fs.readdirSync('/proc/self/fd').flatMap((number) => {
          try {
            return [fs.readlinkSync(`/proc/self/fd/${number}`)];
          } catch {
            return [];
          }
        });
      const met: string[] = [];
      const watching: FileSystem = {
        ...fileSystem,
        rename: (from, to) => {
          met.push(...open().filter((place) => place.startsWith(`${from}/`)));
          return fileSystem.rename(from, to);
        },
      };
      const staging = await openStaging({ folder: folder.path, udid: UDID, fileSystem: watching });
      await incremental(staging);
      await staging.commit(pass);
      assert.deepEqual(met, []);
    });

    it('leaves the finished backup alone until the commit, and then keeps it as a version', async () => {
      const before = tree();
      const staging = await open();
      assert.equal(staging.mode, mode);
      await incremental(staging);
      assert.deepEqual(tree(), before);
      const committed = await staging.commit(pass);
      const after = tree();
      assert.equal(after[blob(removed).slice(UDID.length + 1)], undefined);
      assert.equal(after[blob(kept).slice(UDID.length + 1)], before[blob(kept).slice(UDID.length + 1)]);
      assert.equal(fs.readFileSync(path.join(folder.path, blob(changed)), 'utf8'), `round 1 of ${changed}`);
      assert.equal(fs.readFileSync(path.join(finished(), 'Manifest.db'), 'utf8'), 'SQLite format 3\0round 1');
      assert.equal(after.Snapshot, undefined);
      if (mode === 'links') {
        assert.match(path.basename(committed.version ?? ''), /^00008101-000A1B2C3D4E001E-20240506-\d{6}$/);
        assert.deepEqual(readTree(committed.version ?? ''), before);
      } else {
        assert.equal(committed.version, undefined);
      }
      assert.deepEqual(
        fs.readdirSync(folder.path).sort(),
        ['.ios-backup', UDID, ...(committed.version ? [path.basename(committed.version)] : [])].sort(),
      );
    });

    it('gives files 0600 and folders 0700', async () => {
      const staging = await open();
      await incremental(staging);
      await staging.commit(pass);
      const shared = fs.statSync(path.join(folder.path, blob(added)));
      assert.equal(shared.mode & 0o777, 0o600);
      for (const inside of ['', added.slice(0, 2), '../.ios-backup']) {
        assert.equal(fs.statSync(path.join(finished(), inside)).mode & 0o077, 0);
      }
    });

    it('changes nothing if the check throws', async () => {
      const before = tree();
      const staging = await open();
      await incremental(staging);
      await assert.rejects(
        staging.commit(async (staged) => {
          assert.notEqual(await staged.locate('Manifest.db'), undefined);
          assert.equal(await staged.locate(blob(removed).slice(UDID.length + 1)), undefined);
          throw new Error('no backup');
        }),
        /no backup/,
      );
      await staging.discard();
      assert.deepEqual(tree(), before);
      assert.deepEqual(fs.readdirSync(folder.path).sort(), ['.ios-backup', UDID]);
    });

    it('continues what was suspended', async () => {
      const first = await open();
      await first.store.writeFile(`${UDID}/Snapshot/aa/${added}`, Buffer.from('half way'));
      await first.store.remove(blob(removed));
      await first.suspend();
      const second = await open();
      assert.equal(second.resumed, true);
      assert.deepEqual(
        (await second.store.list(`${UDID}/Snapshot/aa`)).map(({ name, sizeBytes }) => [name, sizeBytes]),
        [[added, 8]],
      );
      await assert.rejects(second.store.openRead(blob(removed)), { code: 'ENOENT' });
      await second.discard();
    });

    it('begins anew if another program has written the finished backup', async () => {
      const first = await open();
      await first.store.writeFile(`${UDID}/Snapshot/aa/${added}`, Buffer.from('half way'));
      await first.suspend();
      writeBackup(finished(), { date: new Date('2024-07-01T00:00:00Z'), blobs: { [kept]: 'kept' } });
      const second = await open();
      assert.equal(second.resumed, false);
      assert.deepEqual(await second.store.list(`${UDID}/Snapshot`), []);
      await second.discard();
    });

    it('begins anew after a power loss, unless all was on the disk', async () => {
      const lost = failing(fileSystem, 'EIO', ({ name }) => name === 'syncFileSystem');
      for (const [disk, resumed] of [
        [lost, false],
        [fileSystem, true],
      ] as const) {
        const first = await open({ fileSystem: disk });
        await first.store.writeFile(`${UDID}/Snapshot/aa/${added}`, Buffer.from('half way'));
        await first.suspend();
        const notes = path.join(folder.path, `.${UDID}.partial/.stage/stage.json`);
        fs.writeFileSync(
          notes,
          fs.readFileSync(notes, 'utf8').replace(/"unsyncedSince": "[^"]*"/, '"unsyncedSince": "an earlier run"'),
        );
        const second = await open();
        assert.equal(second.resumed, resumed);
        await second.discard();
      }
    });

    it('does not hang with a disk that does: cancelling a commit and suspending both end, and the next run goes on', async () => {
      const hanging = intercepted(fileSystem, (call, run) =>
        call.name === 'syncFileSystem' ? new Promise(() => {}) : run(),
      );
      const warnings: string[] = [];
      const log = { ...silentLog, warn: (text: string) => warnings.push(text) };
      const first = await open({ fileSystem: hanging, log, keepLimitMs: 50 });
      await first.store.writeFile(`${UDID}/Snapshot/aa/${added}`, Buffer.from('half way'));
      const abort = new AbortController();
      const committing = first.commit(pass, { signal: abort.signal });
      setTimeout(() => abort.abort(), 50);
      await assert.rejects(committing, { code: 'cancelled' });
      await first.suspend();
      assert.match(warnings.join(), /not written it out within 0.05 s/);
      const second = await open();
      assert.equal(second.resumed, true, 'the computer has not lost its power');
      await second.discard();
    });

    it('is recovered without a word of failure when that is cancelled', async () => {
      await (await open()).suspend();
      const abort = new AbortController();
      const said: string[] = [];
      const note = (level: string) => (text: string) => said.push(`${level} ${text}`);
      const log = { ...silentLog, debug: note('debug'), warn: note('warn'), error: note('error') };
      const cancelling = intercepted(fileSystem, async (call, run) => {
        if (call.path.endsWith('.lock')) {
          abort.abort();
          throw cancelled();
        }
        return run();
      });
      await recover(folder.path, log, { fileSystem: cancelling, signal: abort.signal });
      assert.ok(abort.signal.aborted);
      assert.deepEqual(
        said.filter((line) => !line.startsWith('debug')),
        [],
      );
    });

    it('is for one at a time', async () => {
      await using first = await open();
      await assert.rejects(open(), { name: 'AppError', code: 'backupInUse' });
      await recover(folder.path, silentLog, { fileSystem });
      await first.store.writeFile(blob(added), Buffer.from('still there'));
      assert.equal((await first.store.list(`${UDID}/${added.slice(0, 2)}`)).length, 1);
    });

    it('takes over what a dead process left', async () => {
      fs.mkdirSync(path.join(folder.path, '.ios-backup'));
      const lock = path.join(folder.path, `.ios-backup/${UDID}.lock`);
      const { hostname } = await import('node:os');
      for (const content of [
        JSON.stringify({ host: hostname(), pid: 2 ** 22 + 1, boot: 'before', began: '1', token: 'a' }),
        '{"host":',
        JSON.stringify({ host: 'elsewhere', pid: 1, boot: '', began: '', token: 'a' }),
      ]) {
        fs.writeFileSync(lock, content);
        const staging = await open({ lockTiming: { beatMs: 20, deadMs: 60, settleMs: 1 } });
        await staging.discard();
        assert.equal(fs.existsSync(lock), false);
      }
    });

    it('can be cancelled while it seeds', async () => {
      const controller = new AbortController();
      controller.abort();
      const before = tree();
      await assert.rejects(open({ signal: controller.signal }), { code: 'cancelled' });
      assert.deepEqual(tree(), before);
      await (await open()).discard();
    });

    it('keeps a hash of every file, also of those that did not change', async () => {
      for (let round = 0; round < 3; round++) {
        const reads = new Set<string>();
        const watching = failing(fileSystem, 'none', ({ name, path: file }) => {
          if (name === 'read') reads.add(file);
          return false;
        });
        const staging = await open({ fileSystem: watching });
        if (round === 0) await incremental(staging);
        await staging.store.writeFile(`${UDID}/Status.plist`, statusPlist(new Date(Date.UTC(2024, 8, round))));
        reads.clear();
        await staging.commit(pass);
        const sidecar = await findSidecar(fileSystem, finished());
        assert.ok(sidecar);
        const found: Record<string, string> = {};
        for await (const entries of readSidecar(fileSystem, sidecar.path)) {
          for (const { file, size, sha256 } of entries) found[file] = `${size} ${sha256}`;
        }
        const files = Object.fromEntries(Object.entries(tree()).filter(([, content]) => content !== 'folder'));
        assert.deepEqual(found, files);
        // From the second round on, only copies and the sidecar itself are read.
        const blobsRead = [...reads].filter((file) => /[0-9a-f]{40}$/.test(file));
        assert.equal(blobsRead.length, round === 0 ? 1 : 0, `round ${round}: ${blobsRead.join()}`);
      }
    });

    it('commits without a sidecar rather than not at all', async () => {
      const staging = await open({
        fileSystem: failing(
          fileSystem,
          'ENOSPC',
          ({ name, path: file }) => name === 'write' && file.includes('files.sha256'),
        ),
      });
      await incremental(staging);
      await staging.commit(pass);
      assert.equal(await findSidecar(fileSystem, finished()), undefined);
      assert.equal(fs.readFileSync(path.join(folder.path, blob(changed)), 'utf8'), `round 1 of ${changed}`);
    });

    it('tells that a program holds a file of the backup, as Windows refuses the swap then', async () => {
      const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? assert.fail();
      for (const [system, code, told] of [
        ['win32', 'EPERM', 'backupInUse'],
        ['win32', 'EACCES', 'backupInUse'],
        ['linux', 'EBUSY', 'backupInUse'],
        ['linux', 'EACCES', 'folderNotWritable'],
      ] as const) {
        const before = tree();
        const held = failing(fileSystem, code, ({ name, path: from }) => name === 'rename' && from === finished());
        const staging = await open({ fileSystem: held });
        if (staging.mode === 'overlay') return staging.discard(); // It renames no backup as a whole.
        await incremental(staging);
        Object.defineProperty(process, 'platform', { ...platform, value: system });
        try {
          await assert.rejects(staging.commit(pass), { code: told }, `${system} ${code}`);
        } finally {
          Object.defineProperty(process, 'platform', platform);
        }
        assert.deepEqual(tree(), before);
        await staging.suspend();
        const next = await open();
        assert.equal(next.resumed, true, 'what was received is kept');
        await next.discard();
      }
    });

    it('undoes a commit whose version name another program has taken meanwhile', async () => {
      const before = tree();
      let taken = '';
      const refusing = intercepted(fileSystem, async (call, run) => {
        // The staged backup cannot take its place, however often that is tried.
        if (call.name === 'rename' && call.to === finished() && call.path.includes('.partial')) {
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        }
        const result = await run();
        if (call.name === 'rename' && call.to?.endsWith(`${UDID}.journal`) && taken === '') {
          const { versionName = '' } = JSON.parse(fs.readFileSync(call.to, 'utf8')) as { versionName?: string };
          taken = path.join(folder.path, versionName);
          if (versionName !== '') writeBackup(taken, { blobs: { [kept]: 'of another program' } });
        }
        return result;
      });
      const staging = await open({ fileSystem: refusing });
      if (staging.mode === 'overlay') return staging.discard(); // It keeps no versions.
      await incremental(staging);
      await assert.rejects(staging.commit(pass), { code: 'diskError' });
      assert.ok(fs.existsSync(path.join(taken, 'Manifest.plist')), 'what is not ours stays');
      fs.rmSync(taken, { recursive: true });
      assert.deepEqual(tree(), before);
      await staging.discard();
      assert.deepEqual(tree(), before);
    });

    it('undoes a commit that the disk refuses', async () => {
      for (let nth = 0; nth < 12; nth++) {
        const before = tree();
        let renames = -1;
        const refusing = failing(
          fileSystem,
          'EIO',
          ({ name }) => name === 'rename' && renames >= 0 && renames++ === nth,
        );
        const staging = await open({ fileSystem: refusing });
        await incremental(staging);
        let failed: unknown;
        try {
          await staging.commit(() => {
            renames = 0;
            return pass();
          });
        } catch (error) {
          failed = error;
        }
        if (failed === undefined) {
          fs.rmSync(finished(), { recursive: true });
          writeBackup(finished(), { blobs: { [kept]: 'kept', [changed]: 'old', [removed]: 'removed' } });
          continue;
        }
        assert.equal((failed as { code?: string }).code, 'diskError');
        await recover(folder.path, silentLog, { fileSystem });
        assert.deepEqual(tree(), before, `rename ${nth}`);
        await staging.discard();
        assert.deepEqual(tree(), before);
      }
    });
  });
}
