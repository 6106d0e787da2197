import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { compareFiles, folderTree, walkFiles } from '../../../../src/backups/store/backupTree';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { PreviousHashes } from '../../../../src/backups/store/previousHashes';
import {
  likeness,
  readPrints,
  readSidecar,
  readSidecarMeta,
  sumsLine,
  type BackupPrints,
  type SidecarEntry,
} from '../../../../src/backups/store/sidecar';
import { verifyCopy } from '../../../../src/backups/store/verifyCopy';
import { temporaryFolder } from '../../../support/backupFolders';
import { failing } from '../../../support/fileSystemFaults';

const disk = nodeFileSystem();
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

describe('sidecars', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder.path, name), text);
  const notes = (sums: readonly string[], stats: readonly string[]) => {
    write('files.sha256', sums.map((line) => `${line}\n`).join(''));
    write('files.stat', stats.map((line) => `${line}\n`).join(''));
  };
  const read = async () => {
    const all: SidecarEntry[] = [];
    for await (const entries of readSidecar(disk, folder.path)) all.push(...entries);
    return all;
  };
  const entry = (file: string, size = 3) => ({ file, size, sha256: sha(file), modifiedMs: 1000.5, inode: 7 });

  it('are read line by line, with whatever a name may hold', async () => {
    const names = ['plain', 'with  two  blanks', 'back\\slash', 'line\nend', 'carriage\rreturn', '\\n', '\\\\'];
    notes(
      names.map((name) => sumsLine(name, sha(name))),
      names.map(() => '3 1000.5 7'),
    );
    assert.deepEqual(
      await read(),
      names.map((name) => entry(name)),
    );
    // As sha256sum itself writes it.
    assert.equal(sumsLine('a\nb\\c\rd', 'f'), '\\f  a\\nb\\\\c\\rd');
  });

  it('lose what is damaged, and no more', async () => {
    notes(
      [sumsLine('a', sha('a')), 'no sum', sumsLine('c', sha('c')), `${sha('d')}  `, sumsLine('e', sha('e'))],
      ['3 1000.5 7', '3 1000.5 7', 'x', '3 1000.5 7', '3 1000.5 7'],
    );
    assert.deepEqual(await read(), [entry('a'), entry('e')]);
  });

  it('end where the shorter of both lists ends', async () => {
    notes(
      ['a', 'b', 'c'].map((name) => sumsLine(name, sha(name))),
      ['3 1000.5 7', '3 1000.5 7'],
    );
    assert.deepEqual(await read(), [entry('a'), entry('b')]);
    notes([], []);
    assert.deepEqual(await read(), []);
    notes([sumsLine('a', sha('a'))], []);
    assert.deepEqual(await read(), []);
    notes([], ['3 1000.5 7']);
    assert.deepEqual(await read(), []);
  });

  it('are read over batches of any length', async () => {
    const names = Array.from({ length: 30_000 }, (_, index) => `f/${index}`);
    const stats = names.map((_, index) => `${index} 1 ${'9'.repeat(1 + (index % 9))}`);
    notes(
      names.map((name) => sumsLine(name, sha(name))),
      stats,
    );
    assert.deepEqual(
      (await read()).map(({ file, size }) => [file, size]),
      names.map((name, index) => [name, index]),
    );
  });

  it('say which backup they belong to, or nothing', async () => {
    const meta = { version: 1, id: 'i', udid: 'u', name: 'n', createdAt: 't', prints: {}, files: 1, bytes: 2 };
    write('meta.json', JSON.stringify(meta));
    assert.deepEqual(await readSidecarMeta(disk, folder.path), meta);
    for (const [field, value] of [
      ['version', 2],
      ['id', 1],
      ['udid', undefined],
      ['name', undefined],
      ['createdAt', 5],
      ['prints', 'x'],
    ] as const) {
      write('meta.json', JSON.stringify({ ...meta, [field]: value }));
      assert.equal(await readSidecarMeta(disk, folder.path), undefined, field);
    }
    write('meta.json', 'null');
    assert.equal(await readSidecarMeta(disk, folder.path), undefined);
  });

  it('know a backup by its lists', async () => {
    assert.deepEqual(await readPrints(disk, folder.path), {});
    write('Status.plist', 's');
    write('Manifest.mbdb', 'old');
    const { status, manifest, database } = await readPrints(disk, folder.path);
    assert.deepEqual([status, manifest, database?.file, database?.size], [sha('s'), undefined, 'Manifest.mbdb', 3]);
    fs.mkdirSync(path.join(folder.path, 'Manifest.db'));
    write('Manifest.plist', 'm');
    const more = await readPrints(disk, folder.path);
    assert.deepEqual([more.manifest, more.database?.file], [sha('m'), 'Manifest.mbdb']);
    const unreadable = failing(disk, 'EIO', ({ name }) => name === 'open' || name === 'stat');
    assert.deepEqual(await readPrints(unreadable, folder.path), {});
  });

  it('forgive one damaged file, and not two', () => {
    const database = { file: 'Manifest.db', size: 10, modifiedMs: 1, inode: 5 };
    const whole: BackupPrints = { status: 's', manifest: 'm', database };
    for (const [other, points] of [
      [whole, 7],
      [{ ...whole, database: { ...database, inode: 6 } }, 5],
      [{ ...whole, database: { ...database, modifiedMs: 2 } }, 5],
      [{ ...whole, database: { ...database, size: 11 } }, 4],
      [{ ...whole, database: { ...database, file: 'Manifest.mbdb' } }, 4],
      [{ status: 's', manifest: 'm' }, 4],
      [{ status: 's' }, 2],
      [{ manifest: 'm' }, 2],
      [{ ...whole, status: 'x' }, 5],
      [{ ...whole, status: 'x', manifest: 'y' }, 0],
      [{ ...whole, status: 'x', database: { ...database, inode: 6 } }, 0],
      [{ database }, 3],
      [{ database: { ...database, inode: 6 } }, 0],
      [{}, 0],
    ] as const) {
      assert.equal(likeness(whole, other), points, JSON.stringify(other));
    }
    assert.equal(likeness({}, {}), 0);
  });
});

describe('PreviousHashes', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const stat = (more: object = {}) => ({
    type: 'file' as const,
    sizeBytes: 3,
    modifiedMs: 1,
    inode: 7,
    device: 1,
    links: 1,
    allocatedBytes: 0,
    ...more,
  });
  const keep = (...files: string[]) => {
    fs.writeFileSync(
      path.join(folder.path, 'files.sha256'),
      files.map((file) => `${sumsLine(file, sha(file))}\n`).join(''),
    );
    fs.writeFileSync(path.join(folder.path, 'files.stat'), files.map(() => '3 1 7\n').join(''));
  };

  it('finds files in their order, and passes over those that are gone, new or touched', async () => {
    keep('Info.plist', 'a', 'b', 'c', 'ab/x');
    const hashes = new PreviousHashes(disk, folder.path);
    const find = (file: string, more: object = {}) => hashes.find({ file, stat: stat(more) });
    assert.equal(await find('Info.plist'), sha('Info.plist'));
    assert.equal(await find('aa'), undefined);
    assert.equal(await find('b', { sizeBytes: 4 }), undefined);
    assert.equal(await find('c', { modifiedMs: 2 }), undefined);
    assert.equal(await find('ab/x', { inode: 8 }), undefined);
    assert.equal(await find('ab/y'), undefined);
    await hashes.close();
  });

  it('knows nothing without a sidecar, or of one that is gone', async () => {
    for (const place of [undefined, path.join(folder.path, 'missing')]) {
      const hashes = new PreviousHashes(disk, place);
      assert.equal(await hashes.find({ file: 'a', stat: stat() }), undefined);
      await hashes.close();
    }
  });

  it('fails where the disk fails', async () => {
    keep('a');
    const hashes = new PreviousHashes(
      failing(disk, 'EIO', ({ name }) => name === 'read'),
      folder.path,
    );
    await assert.rejects(hashes.find({ file: 'a', stat: stat() }), { code: 'EIO' });
  });
});

describe('walkFiles()', () => {
  it('gives files in the order of compareFiles(), and leaves out what is no file', async () => {
    const folder = temporaryFolder();
    try {
      for (const file of ['b', 'a/z', 'a/b/c', 'a.b', 'c/a', 'Info.plist', 'a/B']) {
        fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
        fs.writeFileSync(path.join(folder.path, file), '');
      }
      fs.symlinkSync('b', path.join(folder.path, 'link'));
      const files: string[] = [];
      for await (const some of walkFiles(folderTree(disk, folder.path))) files.push(...some.map(({ file }) => file));
      assert.deepEqual(files, ['Info.plist', 'a.b', 'b', 'a/B', 'a/z', 'a/b/c', 'c/a']);
      assert.deepEqual([...files].reverse().sort(compareFiles), files);
      assert.equal(compareFiles('a/b', 'a/b'), 0);
      assert.deepEqual(await folderTree(disk, folder.path).entries(['missing']), []);
      const broken = failing(disk, 'EIO', ({ name }) => name === 'readDirectoryStats');
      await assert.rejects(folderTree(broken, folder.path).entries([]), { code: 'EIO' });
      await assert.rejects(walkFiles(folderTree(disk, folder.path), AbortSignal.abort()).next(), { code: 'cancelled' });
    } finally {
      folder.remove();
    }
  });
});

describe('verifyCopy()', () => {
  it('names the first file that differs from what was read', async () => {
    const folder = temporaryFolder();
    try {
      const [copy, sidecar] = [path.join(folder.path, 'copy'), path.join(folder.path, 'sidecar')];
      for (const place of [copy, sidecar]) fs.mkdirSync(place);
      for (const name of ['a', 'b']) fs.writeFileSync(path.join(copy, name), name);
      fs.writeFileSync(
        path.join(sidecar, 'files.sha256'),
        ['a', 'b'].map((name) => `${sumsLine(name, sha(name))}\n`).join(''),
      );
      fs.writeFileSync(path.join(sidecar, 'files.stat'), '1 1 1\n1 1 1\n');
      await verifyCopy(disk, copy, sidecar);
      await assert.rejects(verifyCopy(disk, copy, sidecar, AbortSignal.abort()), { code: 'cancelled' });
      fs.writeFileSync(path.join(copy, 'b'), 'B');
      await assert.rejects(verifyCopy(disk, copy, sidecar), { code: 'fileDamaged', details: { file: 'b' } });
    } finally {
      folder.remove();
    }
  });
});
