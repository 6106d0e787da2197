import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { foldsNames, NameGuard } from '../../../../src/backups/store/nameGuard';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { temporaryFolder } from '../../../support/backupFolders';
import { failing, foldingCase, intercepted } from '../../../support/fileSystemFaults';

const met = (path: string, other: string) => ({ name: 'AppError', code: 'nameNotPossible', details: { path, other } });

describe('NameGuard', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let reads: string[];
  let guard: NameGuard;
  beforeEach(() => {
    folder = temporaryFolder();
    reads = [];
    const disk = intercepted(nodeFileSystem(), (call, run) => {
      if (call.name === 'readDirectory') reads.push(path.relative(folder.path, call.path));
      return run();
    });
    guard = new NameGuard(disk);
  });
  afterEach(() => folder.remove());
  const directories = (parent: readonly string[]) => [path.join(folder.path, ...parent)];
  const claim = (...parts: string[]) => guard.claim(parts, directories);
  const make = (file: string) => {
    fs.mkdirSync(path.dirname(path.join(folder.path, file)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, file), '');
  };

  for (const [one, other] of [
    ['Readme', 'README'],
    ['readme', 'Readme'],
    ['Readme', 'readme'],
    ['\u00e9', 'e\u0301'],
    ['Stra\u00dfe', 'STRASSE'],
    ['\u03c3', '\u03c2'],
  ] as const) {
    it(`does not let ${other} take the place of ${one} that is on the disk`, async () => {
      make(`top/${one}`);
      await assert.rejects(claim('top', other), met(`top/${other}`, one));
      await claim('top', one);
    });

    it(`does not let ${other} take the place of ${one} that was claimed`, async () => {
      await claim('top', one);
      make(`top/${one}`);
      await assert.rejects(claim('top', other), met(`top/${other}`, one));
    });
  }

  it('keeps folders apart too, and names in different folders not', async () => {
    make('Top/a');
    await assert.rejects(claim('top', 'a'), met('top/a', 'Top'));
    make('x/Name');
    make('y/other');
    await claim('y', 'name');
  });

  it('looks into every place where entries of the folder lie, and minds no missing one', async () => {
    make('layer/other');
    make('base/Name');
    const both = (parent: readonly string[]) =>
      ['missing', 'layer', 'base'].map((place) => path.join(folder.path, place, ...parent));
    await assert.rejects(guard.claim(['name'], both), met('name', 'Name'));
    await guard.claim(['Name'], both);
  });

  it('lets a name have another spelling once the first is gone', async () => {
    await claim('Name');
    make('Name');
    fs.rmSync(path.join(folder.path, 'Name'));
    await claim('name');
    make('name');
    await assert.rejects(claim('Name'), met('Name', 'name'));
  });

  it('remembers odd names by their folder, also those that it only met', async () => {
    make('ab/Odd');
    make('cd/odd');
    await claim('ab', 'usual');
    await claim('cd', 'usual');
    reads.length = 0;
    await assert.rejects(claim('ab', 'odd'), met('ab/odd', 'Odd'));
    await claim('cd', 'odd');
    await claim('odd');
    await claim('a', 'bodd');
    // Only where an odd name is known does anybody look again.
    assert.deepEqual(reads, ['ab', 'a']);
  });

  it('knows a name that is there under both of its spellings', async () => {
    if (process.platform !== 'linux') return;
    make('top/Name');
    make('top/name');
    await claim('top', 'name');
    await claim('top', 'Name');
  });

  it('does not forget before it must', async () => {
    make('ab/usual');
    await claim('ab', 'Odd');
    for (let index = 0; index < 50; index++) await claim('ab', `Odd${index}`);
    reads.length = 0;
    await claim('ab', 'Odd');
    assert.deepEqual(reads, []);
  });

  it('says which names meet', async () => {
    make('Name');
    await assert.rejects(claim('name'), /the disk takes "name" for "Name", which is there already/);
  });

  it('costs one look at a folder for all usual names in it', async () => {
    for (let index = 0; index < 50; index++) await claim('ab', `${index}`.padStart(40, '0'));
    assert.deepEqual(reads, ['', 'ab']);
    await claim('Odd');
    await claim('Odd', 'usual');
    assert.deepEqual(reads, ['', 'ab', '', 'Odd']);
    await claim('Odd');
    assert.equal(reads.length, 4);
  });

  it('forgets what it knows when a device makes up names without end, and looks again', async () => {
    const disk = { ...nodeFileSystem(), readDirectory: () => Promise.resolve([]) };
    const many = new NameGuard(disk);
    for (let index = 0; index < 100_001; index++) await many.claim([`N${index}`], directories);
    let looked = 0;
    disk.readDirectory = () => {
      looked++;
      return Promise.resolve([{ name: 'USUAL', type: 'file' }] as never[]);
    };
    await assert.rejects(many.claim(['usual'], directories), met('usual', 'USUAL'));
    assert.equal(looked, 1);
  });

  it('fails where the disk fails', async () => {
    const broken = new NameGuard(failing(nodeFileSystem(), 'EIO', ({ name }) => name === 'readDirectory'));
    await assert.rejects(broken.claim(['x'], directories), { code: 'EIO' });
  });
});

describe('foldsNames()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  it('tells disks apart, and leaves nothing behind', async () => {
    fs.writeFileSync(path.join(folder.path, 'probe-name'), 'left by a crash');
    assert.equal(await foldsNames(foldingCase(nodeFileSystem(), folder.path), folder.path), true);
    assert.deepEqual(fs.readdirSync(folder.path), []);
    if (process.platform === 'linux') assert.equal(await foldsNames(nodeFileSystem(), folder.path), false);
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });

  it('knows a disk that only composes letters', async () => {
    const composing = intercepted(nodeFileSystem(), (call, run) =>
      call.name === 'stat' ? nodeFileSystem().stat(call.path.normalize('NFC')) : run(),
    );
    assert.equal(await foldsNames(composing, folder.path), true);
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });

  it('fails where the disk fails, and leaves nothing behind', async () => {
    const broken = failing(nodeFileSystem(), 'EIO', ({ name, path }) => name === 'stat' && path.endsWith('PROBE-NAME'));
    await assert.rejects(foldsNames(broken, folder.path), { code: 'EIO' });
    assert.deepEqual(fs.readdirSync(folder.path), []);
  });
});
