import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { randomBytes } from 'node:crypto';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { bootId, lockFolder } from '../../../../src/backups/store/folderLock';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { asPlatform } from '../../../support/asPlatform';
import { temporaryFolder, UDID } from '../../../support/backupFolders';
import { failing, intercepted } from '../../../support/fileSystemFaults';

describe('lockFolder()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const file = () => path.join(folder.path, `.ios-backup/${UDID}.lock`);
  const lock = (deadMs = 60) =>
    lockFolder({
      fileSystem: nodeFileSystem(),
      folder: folder.path,
      udid: UDID,
      timing: { beatMs: 10, deadMs, settleMs: 20 },
    });
  const write = (owner: object) => {
    fs.mkdirSync(path.dirname(file()), { recursive: true });
    fs.writeFileSync(
      file(),
      JSON.stringify({ host: os.hostname(), pid: process.pid, boot: '', began: '', token: 'x', ...owner }),
    );
  };
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('is held by one, until it is released', async () => {
    const first = await lock();
    await assert.rejects(lock(), {
      code: 'backupInUse',
      details: { path: file(), pid: process.pid, host: os.hostname() },
    });
    await first.check();
    await first.release();
    await first.release();
    assert.equal(fs.existsSync(file()), false);
    await (await lock()).release();
  });

  for (const [what, prepare] of [
    ['no lock', () => {}],
    ['a dead process', () => write({ pid: 2 ** 22 + 7 })],
    ['an earlier run of the computer', () => write({ boot: 'before' })],
    ['an earlier process of the same number', () => write({ began: '1' })],
    ['a torn lock', () => (write({}), fs.truncateSync(file(), 5))],
  ] as const) {
    it(`is given to one of 50 who come at once and find ${what}`, async () => {
      prepare();
      const all = await Promise.allSettled(Array.from({ length: 50 }, () => lock()));
      const locks = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      assert.equal(locks.length, 1);
      for (const one of all)
        if (one.status === 'rejected') assert.equal((one.reason as { code: string }).code, 'backupInUse');
      await locks[0]?.check();
      await locks[0]?.release();
      assert.deepEqual(fs.readdirSync(path.dirname(file())), []);
    });
  }

  // Only Linux tells when a process began; elsewhere the beat decides, as for another computer.
  (process.platform === 'linux' ? it : it.skip)('of a living process stays', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      write({
        pid: child.pid,
        boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
        began: beganOf(child.pid ?? 0),
      });
      await assert.rejects(lock(), { code: 'backupInUse' });
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.on('exit', resolve));
    }
    await (await lock()).release();
  });

  it('of another computer stays as long as it is touched', async () => {
    write({ host: 'elsewhere' });
    const beat = setInterval(() => fs.utimesSync(file(), new Date(), new Date()), 5);
    try {
      await assert.rejects(lock(), { code: 'backupInUse' });
    } finally {
      clearInterval(beat);
    }
    await (await lock()).release();
  });

  it('notices that it was taken over', async () => {
    const mine = await lock();
    write({ token: 'theirs' });
    await assert.rejects(mine.check(), { code: 'backupInUse' });
    await mine.release();
    assert.equal(fs.existsSync(file()), true);
  });

  it('is known as its own by its lock, whatever else the file says', async () => {
    for (const owner of [null, 5, {}, { pid: '1' }, { host: 7 }, { token: undefined }]) {
      fs.mkdirSync(path.dirname(file()), { recursive: true });
      const sound = { host: os.hostname(), pid: 2 ** 22 + 7, token: 'x' };
      fs.writeFileSync(file(), JSON.stringify(owner && typeof owner === 'object' ? { ...sound, ...owner } : owner));
      const mine = await lock();
      await mine.check();
      await mine.release();
    }
  });

  it('of a process that was killed and not yet buried is a dead one', async function () {
    if (process.platform !== 'linux') return this.skip();
    // A program that ends soon, under a parent that takes no note of it.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', (text) => resolve(String(text)))));
      const status = () => fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      for (let left = 1000; left > 0 && !/\) Z /.test(status()); left--)
        await new Promise((resolve) => setTimeout(resolve, 5));
      const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      write({ pid, boot, began: beganOf(pid) });
      await (await lock()).release();
    } finally {
      parent.kill('SIGKILL');
      await new Promise((resolve) => parent.on('exit', resolve));
    }
  });

  it('tells no runs of the computer and no processes apart where the system does not', async () => {
    assert.equal(await asPlatform('darwin', () => bootId()), '');
    write({ pid: process.pid, began: 'unknown', boot: bootId(), token: 'theirs' });
    // Only the beat can tell; it stopped long ago.
    await (await lock()).release();
  });

  it('is not made where the disk refuses it, and leaves nothing behind', async () => {
    const on = (fileSystem: FileSystem) => lockFolder({ fileSystem, folder: folder.path, udid: UDID });
    const disk = nodeFileSystem();
    await assert.rejects(on(failing(disk, 'EROFS', ({ name }) => name === 'create')), { code: 'EROFS' });
    await assert.rejects(on(failing(disk, 'EIO', ({ name }) => name === 'write')), { code: 'EIO' });
    assert.deepEqual(fs.readdirSync(path.dirname(file())), []);
    write({ pid: 2 ** 22 + 7 });
    await assert.rejects(on(failing(disk, 'EIO', ({ name }) => name === 'rename')), { code: 'EIO' });
    write({ host: 'elsewhere' });
    await assert.rejects(on(failing(disk, 'EIO', ({ name }) => name === 'stat')), { code: 'EIO' });
    fs.rmSync(file());
    await (await lock()).release();
  });

  it('gives up where it never stays its own', async () => {
    const stolen = intercepted(nodeFileSystem(), async (call, run) => {
      const result = await run();
      // Somebody else is quicker, each time, and dies.
      if (call.name === 'write') write({ pid: 2 ** 22 + 7, token: randomBytes(4).toString('hex') });
      return result;
    });
    write({ pid: 2 ** 22 + 7 });
    const timing = { beatMs: 10, deadMs: 60, settleMs: 1 };
    await assert.rejects(lockFolder({ fileSystem: stolen, folder: folder.path, udid: UDID, timing }), {
      code: 'backupInUse',
      details: { path: folder.path, udid: UDID },
    });
  });

  it('takes nothing from somebody who was quicker, however long ago the dead lock was found', async () => {
    for (const broken of [[], ['link']]) {
      write({ pid: 2 ** 22 + 7, token: 'dead' });
      let quicker: Awaited<ReturnType<typeof lock>> | undefined;
      const disk = intercepted(nodeFileSystem(), async (call, run) => {
        // Held up behind the look at the dead lock, while another takes it over.
        if (/\.claim$/.test(call.to ?? call.path)) quicker ??= await lock();
        if (broken.includes(call.name)) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
        return run();
      });
      const late = lockFolder({ fileSystem: disk, folder: folder.path, udid: UDID });
      await assert.rejects(late, { code: 'backupInUse' });
      assert.ok(quicker);
      await quicker.check();
      await quicker.release();
      assert.deepEqual(fs.readdirSync(path.dirname(file())), []);
    }
  });

  it('is not free for a moment while it is taken over', async () => {
    write({ pid: 2 ** 22 + 7, token: 'dead' });
    let strangers = 0;
    const disk = intercepted(nodeFileSystem(), async (_, run) => {
      const before = fs.existsSync(file());
      const result = await run();
      if (!before || !fs.existsSync(file())) strangers++;
      return result;
    });
    const mine = await lockFolder({ fileSystem: disk, folder: folder.path, udid: UDID });
    assert.equal(strangers, 0);
    await mine.release();
  });

  it('goes on where one died who was about to take it over, and leaves nothing of his', async () => {
    write({ pid: 2 ** 22 + 7, token: 'dead' });
    for (const name of ['dead', 'dead.claim.other', 'gone']) fs.copyFileSync(file(), `${file()}.${name}.claim`);
    fs.writeFileSync(`${file()}.0123.tmp`, '{');
    fs.utimesSync(`${file()}.0123.tmp`, 1, 1);
    const mine = await lock();
    await mine.check();
    assert.deepEqual(fs.readdirSync(path.dirname(file())), [path.basename(file())]);
    await mine.release();
  });

  it('does not let a damaged lock name a file', async () => {
    write({ pid: 2 ** 22 + 7, token: '../../outside' });
    await (await lock()).release();
    assert.deepEqual(fs.readdirSync(path.dirname(file())), []);
    assert.deepEqual(fs.readdirSync(folder.path), ['.ios-backup']);
  });

  it('goes on beating although the disk fails now and then', async () => {
    let beats = 0;
    const failingBeat = failing(nodeFileSystem(), 'EIO', ({ name }) => name === 'touch' && beats++ >= 0);
    const timing = { beatMs: 1, deadMs: 60, settleMs: 1 };
    const mine = await lockFolder({ fileSystem: failingBeat, folder: folder.path, udid: UDID, timing });
    for (let left = 2000; left > 0 && beats < 3; left--) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(beats >= 3);
    await mine.check();
    await mine.release();
  });

  it('does not wait longer than it is wanted', async () => {
    write({ host: 'elsewhere' });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(
      lockFolder({
        fileSystem: nodeFileSystem(),
        folder: folder.path,
        udid: UDID,
        signal,
        timing: { beatMs: 10, deadMs: 60_000, settleMs: 1 },
      }),
      { code: 'cancelled' },
    );
  });
});

function beganOf(pid: number): string {
  const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
