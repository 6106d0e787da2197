import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'mocha';
import { HashPool, type SizedHashTask } from '../../../../src/backups/verify/hashPool';
import { temporaryFolder } from '../../../support/backupFolders';
import { bundleProgram } from '../../../support/engineProcess';

describe('HashPool', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let program: string;
  const tasks: SizedHashTask[] = [];
  const expected: unknown[] = [];

  before(async () => {
    program = await bundleProgram('src/backups/verify/hashWorker.ts');
    folder = temporaryFolder();
    // Around the sizes of a piece and of a batch, empty ones, and many.
    const sizes = [0, 1, 15, 16, 17, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 9 << 20, ...Array<number>(300).fill(777)];
    for (const [index, size] of sizes.entries()) {
      const file = path.join(folder.path, String(index));
      const bytes = randomBytes(size);
      fs.writeFileSync(file, bytes);
      const algorithm = index % 3 === 0 ? 'sha1' : 'sha256';
      tasks.push({ path: file, algorithm, size });
      const hex = createHash(algorithm).update(bytes).digest('hex');
      expected.push({ ok: true, size, head: bytes.toString('latin1', 0, 16), hex });
    }
    const missing = path.join(folder.path, 'missing');
    tasks.push({ path: missing, algorithm: 'sha256', size: 5 });
    expected.push({ ok: false, code: 'ENOENT' });
    fs.symlinkSync('1', path.join(folder.path, 'link'));
    tasks.push({ path: path.join(folder.path, 'link'), algorithm: 'sha256', size: 1 });
    expected.push({ ok: false, code: 'EINVAL' });
    tasks.push({ path: path.join(folder.path, '1'), algorithm: 'sha256', expectedSize: 2, size: 1 });
    expected.push({ ok: true, size: 1, head: '' });
    tasks.push({ path: path.join(folder.path, '2'), algorithm: 'none', size: 15 });
    const { head } = expected[2] as { readonly head: string };
    expected.push({ ok: true, size: 15, head });
  });
  after(() => folder.remove());

  for (const [how, totalBytes] of [
    ['on threads', 1 << 30],
    ['here', 1000],
  ] as const) {
    test(`reads and hashes ${how}, in the order of the tasks`, async () => {
      let read = 0;
      const pool = new HashPool({ totalBytes, signal: undefined, onRead: (bytes) => (read += bytes), program });
      try {
        const [all, again, none] = await Promise.all([pool.hash(tasks), pool.hash(tasks.slice(5, 9)), pool.hash([])]);
        assert.deepEqual(all, expected);
        assert.deepEqual(again, expected.slice(5, 9));
        assert.deepEqual(none, []);
      } finally {
        await pool.close();
      }
      const sizes = [...tasks.slice(0, 309), ...tasks.slice(5, 9)].reduce((sum, { size }) => sum + size, 15);
      assert.equal(read, sizes);
    });

    test(`ends at once when it is cancelled ${how}`, async () => {
      const abort = new AbortController();
      const pool = new HashPool({ totalBytes, signal: abort.signal, onRead: () => abort.abort(), program });
      await assert.rejects(pool.hash([...tasks, ...tasks, ...tasks]), { code: 'cancelled' });
      await pool.close();
    });
  }

  test('says so when its threads cannot run', async () => {
    const broken = path.join(folder.path, 'broken.js');
    fs.writeFileSync(broken, 'process.exit(7)');
    const pool = new HashPool({ totalBytes: 1 << 30, signal: undefined, onRead() {}, program: broken });
    await assert.rejects(pool.hash(tasks), { code: 'unexpected' });
    await pool.close();
  });
});
