import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { BackupStore } from '../../../../src/device';
import { readTree, UDID } from '../../../support/backupFolders';
import { HOSTILE_PATHS } from '../../../support/hostilePaths';

export interface StoreUnderTest {
  readonly store: BackupStore;
  /** Everything must stay inside; snapshots of its parent show whether it did. */
  readonly root: string;
  /** Symbolic links can be planted here and are seen by the store as `<UDID>/…`. */
  readonly plantIn: string;
  readonly close: () => Promise<void>;
}

/**
 * What every BackupStore does. The store begins with `<UDID>/old` ("old"), `<UDID>/dir/a` ("a"), `<UDID>/dir/sub/b` ("b").
 */
export function backupStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let under: StoreUnderTest;
    let store: BackupStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    const at = (inside: string) => `${UDID}/${inside}`;
    const read = async (file: string) => {
      await using reader = await store.openRead(file);
      const buffer = Buffer.alloc(reader.sizeBytes + 10);
      const count = await reader.read(buffer);
      assert.equal(count, reader.sizeBytes);
      assert.equal(await reader.read(buffer.subarray(count)), 0);
      return buffer.toString('utf8', 0, count);
    };
    const names = async (folder: string) =>
      (await store.list(folder)).map(({ name: entry, type }) => `${type} ${entry}`).sort();
    const write = (file: string, content: string) => store.writeFile(file, Buffer.from(content));

    it('reads what is there', async () => {
      assert.equal(await read(at('old')), 'old');
      assert.equal(await read(`/${UDID}//dir/./sub/b`), 'b');
    });

    it('reads piece by piece', async () => {
      await write(at('pieces'), 'abcdefgh');
      await using reader = await store.openRead(at('pieces'));
      const seen: string[] = [];
      const buffer = Buffer.alloc(3);
      for (let count = await reader.read(buffer); count > 0; count = await reader.read(buffer))
        seen.push(buffer.toString('utf8', 0, count));
      assert.deepEqual(seen, ['abc', 'def', 'gh']);
    });

    it('says why it cannot read', async () => {
      await assert.rejects(store.openRead(at('none')), { code: 'ENOENT' });
      await assert.rejects(store.openRead(at('none/at/all')), { code: 'ENOENT' });
      await assert.rejects(store.openRead(at('dir')), { code: 'EISDIR' });
      await assert.rejects(store.openRead(at('old/x')), { code: 'ENOTDIR' });
    });

    it('writes, replaces, and makes folders above', async () => {
      await write(at('old'), 'new');
      await write(at('x/y/z'), 'deep');
      await write(at('empty'), '');
      await write('/.b/6/file', 'staged');
      assert.equal(await read(at('old')), 'new');
      assert.equal(await read(at('x/y/z')), 'deep');
      assert.equal(await read(at('empty')), '');
      assert.equal(await read('.b/6/file'), 'staged');
    });

    it('does not write over a folder or below a file', async () => {
      await assert.rejects(write(at('dir'), 'x'), { code: 'EISDIR' });
      await assert.rejects(write(at('old/x'), 'x'), { code: 'ENOTDIR' });
      await assert.rejects(store.makeDirectory(at('old')), { code: 'ENOTDIR' });
      assert.equal(await read(at('dir/a')), 'a');
      assert.equal(await read(at('old')), 'old');
    });

    it('shows a file that is written in pieces only when it is whole', async () => {
      const writer = await store.create(at('pieces'));
      const chunk = Buffer.from('chunk');
      await writer.write(chunk);
      chunk.fill('x');
      await assert.rejects(store.openRead(at('pieces')), { code: 'ENOENT' });
      await writer.write(Buffer.from(' by chunk'));
      await writer.commit();
      assert.equal(await read(at('pieces')), 'chunk by chunk');
      await assert.rejects(writer.write(chunk), { name: 'AppError' });
    });

    it('leaves nothing of a file that is given up', async () => {
      const writer = await store.create(at('old'));
      await writer.write(Buffer.from('half'));
      await writer.abort();
      await writer.abort();
      assert.equal(await read(at('old')), 'old');
      const fresh = await store.create(at('new'));
      await fresh.abort();
      assert.deepEqual(await names(UDID), ['directory dir', 'file old']);
    });

    it('writes many at once', async () => {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => write(at(`many/${index % 10}/${index}`), `content ${index}`)),
      );
      for (let index = 0; index < 200; index++)
        assert.equal(await read(at(`many/${index % 10}/${index}`)), `content ${index}`);
    });

    it('lists one level', async () => {
      assert.deepEqual(await names(UDID), ['directory dir', 'file old']);
      assert.deepEqual(await names(at('dir')), ['directory sub', 'file a']);
      assert.deepEqual(await names(at('none')), []);
      assert.deepEqual(await names(at('none/at/all')), []);
      await assert.rejects(store.list(at('old')), { code: 'ENOTDIR' });
      await write('.b/x', 'x');
      assert.deepEqual(await names(''), ['directory .b', `directory ${UDID}`]);
      const [old] = (await store.list(UDID)).filter((entry) => entry.name === 'old');
      assert.equal(old?.sizeBytes, 3);
      assert.ok(Math.abs(Date.now() - (old?.modified.getTime() ?? 0)) < 60_000);
    });

    it('makes folders', async () => {
      await store.makeDirectory(at('p/q/r'));
      await store.makeDirectory(at('p/q'));
      await store.makeDirectory(UDID);
      assert.deepEqual(await names(at('p/q')), ['directory r']);
    });

    it('moves files', async () => {
      await store.move(at('old'), at('x/moved'));
      assert.equal(await read(at('x/moved')), 'old');
      await assert.rejects(store.openRead(at('old')), { code: 'ENOENT' });
      await write(at('Snapshot/a'), 'from the snapshot');
      await store.move(at('Snapshot/a'), at('dir/a'));
      assert.equal(await read(at('dir/a')), 'from the snapshot');
      assert.deepEqual(await names(at('Snapshot')), []);
      await store.move('.b/none', '.b/other').then(
        () => assert.fail('moved nothing'),
        (error: { code: string }) => assert.equal(error.code, 'ENOENT'),
      );
    });

    it('moves folders, and replaces whole ones', async () => {
      await write(at('new/c'), 'c');
      await store.move(at('new'), at('dir'));
      assert.deepEqual(await names(at('dir')), ['file c']);
      await store.move(at('dir'), at('deep/er'));
      assert.equal(await read(at('deep/er/c')), 'c');
      assert.deepEqual(await names(UDID), ['directory deep', 'file old']);
      await store.move(at('deep'), at('old'));
      assert.equal(await read(at('old/er/c')), 'c');
      await write(at('file'), 'file');
      await store.move(at('file'), at('old'));
      assert.equal(await read(at('old')), 'file');
    });

    it('moves a folder that is partly old', async () => {
      await write(at('dir/new'), 'new');
      await write(at('dir/sub/b'), 'changed');
      await store.remove(at('dir/a'));
      await store.move(at('dir'), at('other'));
      assert.deepEqual(await names(at('other')), ['directory sub', 'file new']);
      assert.equal(await read(at('other/sub/b')), 'changed');
      assert.deepEqual(await names(at('dir')), []);
    });

    it('does nothing when something is moved onto itself', async () => {
      await store.move(at('old'), at('./old'));
      await store.move(at('dir'), `${at('dir')}/`);
      assert.equal(await read(at('old')), 'old');
      assert.equal(await read(at('dir/sub/b')), 'b');
    });

    it('refuses to move or copy a folder into itself or over the one it is in', async () => {
      for (const order of ['move', 'copy'] as const) {
        await assert.rejects(store[order](at('dir'), at('dir/sub/dir')), { code: 'EINVAL' });
        await assert.rejects(store[order](at('dir/sub'), at('dir')), { code: 'EINVAL' });
      }
      assert.equal(await read(at('dir/sub/b')), 'b');
    });

    it('removes files and folders', async () => {
      await store.remove(at('old'));
      await store.remove(at('dir'));
      await store.remove(at('none'));
      await store.remove(at('none/at/all'));
      assert.deepEqual(await names(UDID), []);
      await assert.rejects(store.openRead(at('dir/a')), { code: 'ENOENT' });
      await write(at('dir/new'), 'new');
      assert.deepEqual(await names(at('dir')), ['file new']);
      await store.makeDirectory(at('dir/sub'));
      assert.deepEqual(await names(at('dir/sub')), []);
    });

    it('copies files and folders', async () => {
      await store.copy(at('old'), at('x/copy'));
      await store.copy(at('dir'), at('again'));
      await write(at('old'), 'changed');
      assert.equal(await read(at('x/copy')), 'old');
      assert.equal(await read(at('again/sub/b')), 'b');
      assert.equal(await read(at('dir/sub/b')), 'b');
      await store.copy(at('x'), at('again'));
      assert.deepEqual(await names(at('again')), ['file copy']);
      await assert.rejects(store.copy(at('none'), at('x')), { code: 'ENOENT' });
      await store.copy(at('old'), at('old'));
      assert.equal(await read(at('old')), 'changed');
    });

    it('never removes, moves or replaces the backup itself', async () => {
      for (const itself of ['', '/', '.', UDID, `/${UDID}/`, `${UDID}/.`]) {
        await assert.rejects(store.remove(itself), { code: 'unsafePath' });
        await assert.rejects(store.move(itself, at('x')), { code: 'unsafePath' });
        await assert.rejects(store.move(at('old'), itself), { code: 'unsafePath' });
        await assert.rejects(store.copy(at('old'), itself), { code: 'unsafePath' });
        await assert.rejects(store.writeFile(itself, Buffer.from('x')), { code: 'unsafePath' });
        await assert.rejects(store.create(itself), { code: 'unsafePath' });
      }
      assert.equal(await read(at('dir/sub/b')), 'b');
    });

    it('refuses hostile paths in every order, and touches nothing outside', async () => {
      const before = readTree(path.dirname(under.root));
      const x = Buffer.from('x');
      for (const { path: hostile, code, on } of HOSTILE_PATHS) {
        if (!on.includes(process.platform as 'linux')) continue;
        for (const [order, run] of Object.entries({
          openRead: () => store.openRead(hostile),
          writeFile: () => store.writeFile(hostile, x),
          create: () => store.create(hostile),
          list: () => store.list(hostile),
          makeDirectory: () => store.makeDirectory(hostile),
          'move from': () => store.move(hostile, at('x')),
          'move to': () => store.move(at('old'), hostile),
          remove: () => store.remove(hostile),
          'copy from': () => store.copy(hostile, at('x')),
          'copy to': () => store.copy(at('old'), hostile),
        })) {
          await assert.rejects(run, { name: 'AppError', code }, `${order} ${JSON.stringify(hostile).slice(0, 80)}`);
        }
      }
      assert.deepEqual(readTree(path.dirname(under.root)), before);
    });

    it('never follows a symbolic link', async () => {
      const outside = path.join(path.dirname(under.root), 'outside');
      fs.mkdirSync(outside);
      fs.writeFileSync(path.join(outside, 'secret'), 'secret');
      fs.symlinkSync(outside, path.join(under.plantIn, 'link'));
      fs.symlinkSync(path.join(outside, 'secret'), path.join(under.plantIn, 'file'));
      const before = readTree(outside);
      await assert.rejects(store.openRead(at('link/secret')), { code: 'unsafePath' });
      await assert.rejects(store.openRead(at('file')), { code: 'ELOOP' });
      await assert.rejects(store.list(at('link/x')), { code: 'unsafePath' });
      for (const run of [
        () => write(at('link/x'), 'x'),
        () => store.create(at('link/x')).then((writer) => writer.commit()),
        () => store.makeDirectory(at('link/x')),
        () => store.move(at('old'), at('link/x')),
        () => store.move(at('link/secret'), at('x')),
        () => store.copy(at('old'), at('link/x')),
        () => store.remove(at('link/secret')),
      ]) {
        await assert.rejects(run, { name: 'AppError', code: 'unsafePath' });
      }
      await write(at('file'), 'now a file');
      assert.equal(await read(at('file')), 'now a file');
      await store.remove(at('link'));
      assert.deepEqual(readTree(outside), before);
    });

    it('tells the free space', async () => {
      const free = await store.freeSpace();
      const stats = fs.statfsSync(under.root);
      assert.ok(Math.abs(free - stats.bavail * stats.bsize) < 2 ** 30);
    });
  });
}
