import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { UnlockedKeybag } from '../../../../src/backups/format/keybag';
import { DomainTree } from '../../../../src/backups/reader/domainTree';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { vectors } from '../../../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

describe('OpenedBackup', () => {
  let folder: string;
  let backup: OpenedBackup;

  beforeEach(async () => {
    folder = writeVectorBackup();
    backup = await OpenedBackup.open(folder);
  });
  afterEach(() => {
    backup.close();
    fs.rmSync(folder, { recursive: true });
  });

  test('shows nothing while locked, and tells a wrong password', async () => {
    assert.ok(backup.locked);
    assert.throws(() => backup.list('HomeDomain', ''), { code: 'passwordNeeded' });
    await assert.rejects(backup.unlock('nope'), { code: 'wrongPassword' });
    assert.ok(backup.locked);
  });

  test('reads every file of the published backup', async () => {
    await backup.unlock(vectorPassword);
    for (const { domain, relativePath, plain, fileID } of vectors.files) {
      const { file, kind } = backup.stat(domain, relativePath);
      assert.equal(kind, 'file');
      assert.equal(file?.fileID, fileID);
      const content = backup.openContent(file);
      const bytes = Buffer.alloc(content.size);
      assert.equal(content.read(bytes, 0), content.size);
      assert.equal(bytes.toString('hex'), plain);
      content.close();
      const parent = path.posix.dirname(relativePath);
      assert.ok(backup.list(domain, parent).some(({ name }) => name === path.posix.basename(relativePath)));
    }
    const { domain, relativePath, Target } = vectors.symlink;
    assert.equal(backup.stat(domain, relativePath).file?.linkTarget, Target);
    assert.throws(() => backup.stat('HomeDomain', 'absent'), { code: 'fileNotFound' });
    backup.lock();
    assert.throws(() => backup.list('HomeDomain', ''), { code: 'passwordNeeded' });
  });

  test('overwrites the keys of what is still being read when it is locked', async () => {
    const keys: Buffer[] = [];
    const { unwrap } = UnlockedKeybag.prototype as { unwrap: (this: UnlockedKeybag, key: Uint8Array) => Buffer };
    UnlockedKeybag.prototype.unwrap = function (persistent) {
      const key = unwrap.call(this, persistent);
      keys.push(key);
      return key;
    };
    try {
      await backup.unlock(vectorPassword);
      const [first, second] = vectors.files
        .filter(({ size }) => size > 0)
        .map(({ domain, relativePath }) => {
          return backup.openContent(backup.stat(domain, relativePath).file ?? assert.fail());
        });
      assert.ok(first && second);
      first.read(Buffer.alloc(10), 0);
      first.close();
      const inUse = () => keys.map((key) => !key.equals(Buffer.alloc(key.length)));
      assert.deepEqual(inUse().slice(0, 3), [true, false, true], 'of the Manifest, the first, the second');
      backup.lock();
      assert.deepEqual(new Set(inUse()), new Set([false]));
      assert.throws(() => second.read(Buffer.alloc(10), 0), { code: 'passwordNeeded' });
      second.close();
    } finally {
      UnlockedKeybag.prototype.unwrap = unwrap;
    }
  });

  test('says which content is missing', async () => {
    await backup.unlock(vectorPassword);
    const [{ domain, relativePath, fileID } = assert.fail()] = vectors.files;
    fs.rmSync(path.join(folder, fileID.slice(0, 2), fileID));
    const { file } = backup.stat(domain, relativePath);
    assert.throws(() => backup.openContent(file ?? assert.fail()), { code: 'fileNotFound' });
  });
});

describe('DomainTree', () => {
  const id = 'a'.repeat(40);
  const file = (relativePath: string) => ({ fileID: id, relativePath, kind: 'file' }) as const;
  const folder = (relativePath: string) => ({ fileID: id, relativePath, kind: 'directory' }) as const;
  const names = (tree: DomainTree, at: string) => [...(tree.children(at) ?? [])].map(({ name }) => name).sort();

  test('makes parents that have no row, and takes rows in any order', () => {
    const tree = new DomainTree([file('a/b/c'), folder('a'), folder(''), file('d')]);
    assert.deepEqual(names(tree, ''), ['a', 'd']);
    assert.deepEqual(names(tree, 'a/b'), ['c']);
    assert.equal(tree.find('a')?.kind, 'directory');
    assert.equal(tree.find('a/b')?.kind, 'directory');
    assert.deepEqual(tree.refused, []);
  });

  test('refuses what no file can be named', () => {
    const hostile = ['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a/.', 'a\0b', 'x/'.repeat(600) + 'y'];
    const tree = new DomainTree(hostile.map(file));
    assert.deepEqual(names(tree, ''), []);
    assert.equal(tree.refused.length, hostile.length);
  });

  test('keeps a file whose place another row takes for a folder', () => {
    const tree = new DomainTree([file('a'), file('a/b'), folder('a')]);
    assert.deepEqual(
      [...(tree.children('') ?? [])].map(({ kind }) => kind),
      ['file'],
    );
    assert.equal(tree.refused.length, 2);
  });

  test('takes names that objects have for names', () => {
    const tree = new DomainTree(['__proto__', 'constructor/x', 'toString'].map(file));
    assert.deepEqual(names(tree, ''), ['__proto__', 'constructor', 'toString']);
  });
});
