import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { asPlatform } from '../../../support/asPlatform';
import { temporaryFolder } from '../../../support/backupFolders';

const failed = (code: string) => Object.assign(new Error(code), { code });

for (const [how, disk] of [
  ['called directly', nodeFileSystem()],
  ['called through the pool', nodeFileSystem({ direct: false })],
] as const) {
  describe(`nodeFileSystem(), ${how}`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    beforeEach(() => (folder = temporaryFolder()));
    afterEach(() => folder.remove());
    const at = (name: string) => path.join(folder.path, name);

    it('makes, reads, moves, shares, touches and removes', async () => {
      await disk.makeDirectory(at('folder'));
      const made = await disk.open(at('folder/file'), 'create');
      assert.equal(await made.write(Buffer.from('abc')), 3);
      await made.sync();
      assert.equal((await made.stat()).sizeBytes, 3);
      await made.close();
      await made.close();
      await assert.rejects(disk.open(at('folder/file'), 'create'), { code: 'EEXIST' });
      const more = await disk.open(at('folder/file'), 'append');
      await more.write(Buffer.from('def'));
      await more.close();
      await disk.link(at('folder/file'), at('second'));
      await disk.rename(at('folder/file'), at('first'));
      fs.utimesSync(at('first'), 1, 1);
      await disk.touch(at('second'));
      const { links, type, sizeBytes, modifiedMs, allocatedBytes } = await disk.stat(at('first'));
      assert.deepEqual([links, type, sizeBytes], [2, 'file', 6]);
      assert.ok(modifiedMs > 1_000_000 && allocatedBytes >= 0);
      const read = await disk.open(at('second'), 'read');
      const buffer = Buffer.alloc(9);
      assert.equal(await read.read(buffer), 6);
      assert.equal(await read.read(buffer), 0);
      await read.close();
      await disk.syncDirectory(folder.path);
      await disk.removeFile(at('second'));
      await disk.removeDirectory(at('folder'));
      assert.deepEqual(fs.readdirSync(folder.path), ['first']);
      assert.ok((await disk.freeSpace(folder.path)) > 0);
    });

    it('clones where the disk can, and says so where it cannot', async () => {
      fs.writeFileSync(at('from'), 'abc');
      try {
        await disk.clone(at('from'), at('to'));
        assert.equal(fs.readFileSync(at('to'), 'utf8'), 'abc');
      } catch (error) {
        assert.match((error as NodeJS.ErrnoException).code ?? '', /^E(OPNOTSUPP|NOTSUP|XDEV|INVAL|NOTTY|NOSYS)$/);
        assert.equal(fs.existsSync(at('to')), false);
      }
      fs.writeFileSync(at('there'), 'x');
      await assert.rejects(disk.clone(at('from'), at('there')));
      assert.equal(fs.readFileSync(at('there'), 'utf8'), 'x');
    });

    it('tells what lies in a folder, and of what kind', async () => {
      fs.writeFileSync(at('file'), 'abc');
      fs.mkdirSync(at('folder'));
      const kinds: [string, string][] = [
        ['file', 'file'],
        ['folder', 'directory'],
      ];
      if (process.platform !== 'win32') {
        fs.symlinkSync('nowhere', at('link'));
        execFileSync('mkfifo', [at('pipe')]);
        kinds.push(['link', 'link'], ['pipe', 'other']);
      }
      const sorted = (entries: readonly { name: string; type: string }[]) =>
        entries.map(({ name, type }) => [name, type]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(await disk.readDirectory(folder.path)), kinds);
      assert.deepEqual(sorted(await disk.readDirectoryStats(folder.path)), kinds);
      assert.deepEqual(sorted(await disk.readDirectoryStats(`${folder.path}/`)), kinds);
      for (const [name, type] of kinds) assert.equal((await disk.stat(at(name))).type, type);
      for (const call of [
        () => disk.readDirectory(at('missing')),
        () => disk.readDirectoryStats(at('missing')),
        () => disk.stat(at('missing')),
      ])
        await assert.rejects(call(), { code: 'ENOENT' });
    });

    it('minds no file that goes while a folder is read', async () => {
      for (let index = 0; index < 130; index++) fs.writeFileSync(at(`${index}`), '');
      const readdir = fs.readdirSync.bind(fs);
      const pooled = fs.readdir.bind(fs);
      const gone = (names: string[]) => (fs.rmSync(at('7')), names);
      fs.readdirSync = ((place: string) => gone(readdir(place))) as never;
      fs.readdir = ((place: string, done: (error: Error | null, names?: string[]) => void) =>
        pooled(place, (error, names) => (error ? done(error) : done(null, gone(names))))) as never;
      try {
        assert.equal((await disk.readDirectoryStats(folder.path)).length, 129);
      } finally {
        fs.readdirSync = readdir;
        fs.readdir = pooled;
      }
    });

    it('opens no link', async function () {
      if (process.platform === 'win32') return this.skip();
      fs.writeFileSync(at('file'), 'abc');
      fs.symlinkSync('file', at('link'));
      for (const mode of ['read', 'append', 'sync'] as const)
        await assert.rejects(disk.open(at('link'), mode), { code: 'ELOOP' });
    });
  });
}

describe('nodeFileSystem(), on other systems', () => {
  const disk = nodeFileSystem();
  let folder: ReturnType<typeof temporaryFolder>;
  const rename = fs.renameSync.bind(fs);
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => {
    fs.renameSync = rename;
    folder.remove();
  });
  const at = (name: string) => path.join(folder.path, name);
  /** The first `times` renames fail, as while a virus scanner holds the file. */
  const heldFor = (times: number, code: string) => {
    let calls = 0;
    fs.renameSync = (from, to) => {
      if (calls++ < times) throw failed(code);
      rename(from, to);
    };
    return () => calls;
  };

  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    it(`waits on Windows while somebody holds a file (${code})`, async () => {
      fs.writeFileSync(at('a'), '');
      const calls = heldFor(2, code);
      await asPlatform('win32', () => disk.rename(at('a'), at('b')));
      assert.equal(calls(), 3);
      assert.ok(fs.existsSync(at('b')));
    });
  }

  it('waits neither for what will not change, nor elsewhere', async () => {
    for (const [platform, code] of [
      ['win32', 'ENOENT'],
      ['linux', 'EBUSY'],
    ] as const) {
      const calls = heldFor(1, code);
      await assert.rejects(
        asPlatform(platform, () => disk.rename(at('a'), at('b'))),
        { code },
      );
      assert.equal(calls(), 1);
    }
  });

  it('leaves the flushing of folders to Windows, which has no order for it', async () => {
    await asPlatform('win32', async () => {
      await disk.syncDirectory(at('missing'));
      assert.equal(await disk.syncFileSystem(folder.path), false);
    });
    await assert.rejects(disk.syncDirectory(at('missing')), { code: 'ENOENT' });
  });

  it('takes a file system that cannot flush folders as it is, and tells of one that fails', async () => {
    const { fsync } = fs;
    try {
      for (const code of ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF']) {
        fs.fsync = ((_: number, done: (error: Error) => void) => done(failed(code))) as never;
        await disk.syncDirectory(folder.path);
      }
      fs.fsync = ((_: number, done: (error: Error) => void) => done(failed('EIO'))) as never;
      await assert.rejects(disk.syncDirectory(folder.path), { code: 'EIO' });
    } finally {
      fs.fsync = fsync;
    }
  });

  it('takes the length for the room where the system does not tell that', async () => {
    fs.writeFileSync(at('file'), 'abc');
    const { lstatSync } = fs;
    const withoutBlocks = (place: string, options: fs.StatSyncOptions) =>
      Object.assign(lstatSync(place, options) ?? {}, { blocks: undefined });
    Object.assign(fs, { lstatSync: withoutBlocks });
    try {
      assert.equal((await disk.stat(at('file'))).allocatedBytes, 3);
    } finally {
      Object.assign(fs, { lstatSync });
    }
  });

  it('goes through the pool for a while once the disk is slow', async () => {
    const slow = nodeFileSystem();
    const { lstatSync } = fs;
    let direct = 0;
    const slowly = (place: string, options: fs.StatSyncOptions) => {
      direct++;
      for (const until = performance.now() + 40; performance.now() < until;);
      return lstatSync(place, options);
    };
    Object.assign(fs, { lstatSync: slowly });
    try {
      for (let call = 0; call < 12; call++) await slow.stat(folder.path);
    } finally {
      Object.assign(fs, { lstatSync });
    }
    assert.ok(direct > 0 && direct < 12, `${direct} direct calls`);
  });
});
