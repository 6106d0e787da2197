import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { FolderStore } from '../../../../src/backups/store/folderStore';
import { NameGuard } from '../../../../src/backups/store/nameGuard';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { OverlayStore } from '../../../../src/backups/store/overlayStore';
import { Removals } from '../../../../src/backups/store/removals';
import { openRestoreStore } from '../../../../src/backups/store/restoreStore';
import type { FileSystem } from '../../../../src/backups/store/fileSystem';
import { readTree, temporaryFolder, UDID, writeBackup } from '../../../support/backupFolders';
import { foldingCase, fullAfter, shortWrites } from '../../../support/fileSystemFaults';
import { backupStoreSuite, type StoreUnderTest } from './backupStoreSuite';

function fill(folder: string): void {
  fs.mkdirSync(path.join(folder, 'dir/sub'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'old'), 'old');
  fs.writeFileSync(path.join(folder, 'dir/a'), 'a');
  fs.writeFileSync(path.join(folder, 'dir/sub/b'), 'b');
}

async function openFolder(fileSystem: FileSystem = nodeFileSystem()): Promise<StoreUnderTest> {
  const folder = temporaryFolder();
  const root = path.join(folder.path, 'root');
  fill(path.join(root, UDID));
  const store = new FolderStore({ fileSystem, root, udid: UDID, temporary: path.join(root, '.stage/tmp') });
  return { store, root, plantIn: path.join(root, UDID), close: () => Promise.resolve(folder.remove()) };
}

async function openOverlay(
  fileSystem: FileSystem = nodeFileSystem(),
): Promise<StoreUnderTest & { readonly base: string }> {
  const folder = temporaryFolder();
  const base = path.join(folder.path, 'finished');
  const root = path.join(folder.path, 'root');
  fill(base);
  fs.mkdirSync(path.join(root, '.stage'), { recursive: true });
  const layer = new FolderStore({ fileSystem, root, udid: UDID, temporary: path.join(root, '.stage/tmp') });
  const removals = await Removals.load(fileSystem, path.join(root, '.stage/removed'));
  const store = new OverlayStore({ fileSystem, base, udid: UDID, layer, removals });
  const close = async () => {
    await removals.close();
    folder.remove();
  };
  return { store, root, base, plantIn: base, close };
}

backupStoreSuite('FolderStore', openFolder);
backupStoreSuite('FolderStore, through the thread pool', () => openFolder(nodeFileSystem({ direct: false })));
backupStoreSuite('FolderStore, with short writes', () => openFolder(shortWrites(nodeFileSystem(), 2)));
backupStoreSuite('OverlayStore', openOverlay);

describe('OverlayStore', () => {
  it('never changes the finished backup', async () => {
    const { store, base, close } = await openOverlay();
    const before = readTree(base);
    const at = (inside: string) => `${UDID}/${inside}`;
    await store.writeFile(at('old'), Buffer.from('new'));
    await store.move(at('dir'), at('moved'));
    await store.remove(at('old'));
    await store.copy(at('moved'), at('dir'));
    await store.remove(at('moved/sub'));
    assert.deepEqual(readTree(base), before);
    await close();
  });
});

describe('FolderStore', () => {
  it('replaces by a new inode: what shares the old content keeps it', async () => {
    const { store, root, close } = await openFolder();
    const old = path.join(root, UDID, 'old');
    const version = path.join(root, '..', 'version');
    for (const replace of [
      () => store.writeFile(`${UDID}/old`, Buffer.from('new')),
      async () => {
        const writer = await store.create(`${UDID}/old`);
        await writer.write(Buffer.from('new'));
        await writer.commit();
      },
      () => store.move(`${UDID}/dir/a`, `${UDID}/old`),
      () => store.copy(`${UDID}/dir/sub/b`, `${UDID}/old`),
      () => store.remove(`${UDID}/old`),
    ]) {
      fs.rmSync(old, { force: true });
      fs.rmSync(version, { force: true });
      fs.writeFileSync(old, 'old');
      fs.linkSync(old, version);
      await replace();
      assert.equal(fs.readFileSync(version, 'utf8'), 'old');
      assert.equal(fs.statSync(version).nlink, 1);
    }
    await close();
  });

  it('moves between two names of one file', async () => {
    const { store, root, close } = await openFolder();
    fs.linkSync(path.join(root, UDID, 'old'), path.join(root, UDID, 'same'));
    await store.move(`${UDID}/old`, `${UDID}/same`);
    assert.equal(fs.existsSync(path.join(root, UDID, 'old')), false);
    assert.equal(fs.readFileSync(path.join(root, UDID, 'same'), 'utf8'), 'old');
    await close();
  });

  it('gives new files 0600 and new folders 0700', async () => {
    const { store, root, close } = await openFolder();
    await store.writeFile(`${UDID}/x/y`, Buffer.from('x'));
    assert.equal(fs.statSync(path.join(root, UDID, 'x')).mode & 0o777, 0o700);
    assert.equal(fs.statSync(path.join(root, UDID, 'x/y')).mode & 0o777, 0o600);
    await close();
  });

  it('leaves nothing behind on a full disk, and says how full', async () => {
    for (const room of [0, 1, 5]) {
      const { store, root, close } = await openFolder(fullAfter(nodeFileSystem(), room));
      const before = readTree(path.join(root, UDID));
      await assert.rejects(store.writeFile(`${UDID}/old`, Buffer.from('123456')), {
        code: 'hostDiskFull',
        details: { path: root, neededBytes: 6 - room, freeBytes: 0 },
      });
      const writer = await store.create(`${UDID}/old`);
      await assert.rejects(writer.write(Buffer.from('123456')), { code: 'hostDiskFull' });
      await assert.rejects(writer.commit(), { name: 'AppError' });
      await writer.abort();
      assert.deepEqual(readTree(path.join(root, UDID)), before);
      assert.deepEqual(fs.readdirSync(path.join(root, '.stage/tmp')), []);
      await close();
    }
  });

  it('reports names that this disk takes for one', async () => {
    const folder = temporaryFolder();
    const root = path.join(folder.path, 'root');
    const disk = foldingCase(nodeFileSystem(), root);
    for (const made of [`${root}`, `${root}/${UDID}`]) await disk.makeDirectory(made).catch(() => {});
    const store = new FolderStore({
      fileSystem: disk,
      root,
      udid: UDID,
      temporary: `${root}/.stage/tmp`,
      guard: new NameGuard(disk),
    });
    const write = (inside: string, content: string) => store.writeFile(`${UDID}/${inside}`, Buffer.from(content));
    await write('abc', '1');
    await assert.rejects(write('ABC', '2'), {
      code: 'nameNotPossible',
      details: { path: `${UDID}/ABC`, other: 'abc' },
    });
    await write('Manifest.db', '1');
    await write('Manifest.db', '2');
    for (const other of ['manifest.db', 'MANIFEST.DB'])
      await assert.rejects(write(other, '3'), { code: 'nameNotPossible' });
    await assert.rejects(store.makeDirectory(`${UDID}/ABC`), { code: 'nameNotPossible' });
    await write('Dir/x', '1');
    await assert.rejects(write('dir/y', '2'), { code: 'nameNotPossible' });
    await assert.rejects(store.move(`${UDID}/abc`, `${UDID}/DIR`), { code: 'nameNotPossible' });
    await store.move(`${UDID}/abc`, `${UDID}/Abc`);
    await store.remove(`${UDID}/Manifest.db`);
    await write('manifest.db', 'free again');
    await using reader = await store.openRead(`${UDID}/manifest.db`);
    assert.equal(reader.sizeBytes, 10);
    folder.remove();
  });
});

describe('openRestoreStore()', () => {
  it('shows a backup of any name as the device expects it, and never changes it', async () => {
    const folder = temporaryFolder();
    const backup = path.join(folder.path, 'My old phone');
    const scratch = path.join(folder.path, 'scratch');
    writeBackup(backup, { files: { x: 'x' } });
    const before = readTree(backup);
    const { store, close } = await openRestoreStore({ path: backup, udid: UDID, scratch });
    assert.deepEqual((await store.list(UDID)).map(({ name }) => name).sort(), [
      'Info.plist',
      'Manifest.db',
      'Manifest.plist',
      'Status.plist',
      'x',
    ]);
    await store.copy(UDID, '.b/copy');
    await store.remove(`${UDID}/x`);
    await store.writeFile(`${UDID}/Status.plist`, Buffer.from('x'));
    assert.equal((await store.list('.b/copy')).length, 5);
    await close();
    assert.deepEqual(readTree(backup), before);
    assert.equal(fs.existsSync(scratch), false);
    await assert.rejects(openRestoreStore({ path: folder.path, udid: UDID, scratch }), { code: 'notABackup' });
    folder.remove();
  });
});
