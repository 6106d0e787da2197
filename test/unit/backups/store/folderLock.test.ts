import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { lockFolder } from '../../../../src/backups/store/folderLock';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { temporaryFolder, UDID } from '../../../support/backupFolders';

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
