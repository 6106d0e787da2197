import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Log } from '../../../../src/base/log';
import { silentLog } from '../../../../src/base/log';
import { layoutOf } from '../../../../src/backups/store/layout';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { readRemovals, Removals } from '../../../../src/backups/store/removals';
import { emptyTrash, moveToTrash } from '../../../../src/backups/store/trash';
import { temporaryFolder } from '../../../support/backupFolders';
import { failing, fullAfter } from '../../../support/fileSystemFaults';

const disk = nodeFileSystem();

describe('Removals', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const file = () => path.join(folder.path, 'removed');

  it('hide a path and all below it, now and when they are read again', async () => {
    const removals = await Removals.load(disk, file());
    assert.equal(removals.hides(['ab', 'x']), false);
    await removals.add(['ab', 'x']);
    await removals.add(['cd']);
    await removals.add(['cd', 'y']);
    await removals.add(['line\nend', '"']);
    await removals.close();
    await removals.close();
    for (const known of [removals, await Removals.load(disk, file())]) {
      for (const [parts, hidden] of [
        [[], false],
        [['ab'], false],
        [['ab', 'x'], true],
        [['ab', 'x', 'deep'], true],
        [['ab', 'xx'], false],
        [['cd'], true],
        [['cd', 'z'], true],
        [['line\nend', '"'], true],
      ] as const) {
        assert.equal(known.hides(parts), hidden, parts.join('/'));
      }
    }
    assert.deepEqual(await readRemovals(disk, file()), ['ab/x', 'cd', 'line\nend/"']);
  });

  it('lose no more than the line that a crash has torn', async () => {
    fs.writeFileSync(file(), '"a"\n"b/c\n\n5\n""\nnull\n"d/e"\n"d"\n"tor');
    assert.deepEqual(await readRemovals(disk, file()), ['a', 'd']);
    const removals = await Removals.load(disk, file());
    await removals.add(['f']);
    await removals.close();
    assert.deepEqual(await readRemovals(disk, file()), ['a', 'd', 'f']);
  });

  it('hide nothing that could not be noted down', async () => {
    const removals = await Removals.load(fullAfter(disk, 3), file());
    await assert.rejects(removals.add(['ab']), { code: 'hostDiskFull' });
    assert.equal(removals.hides(['ab']), false);
    await removals.close();
    await assert.rejects(
      readRemovals(
        failing(disk, 'EIO', ({ name }) => name === 'open'),
        file(),
      ),
      { code: 'EIO' },
    );
    assert.deepEqual(
      await readRemovals(
        failing(disk, 'ENOTDIR', ({ name }) => name === 'fstat'),
        file(),
      ),
      [],
    );
  });
});

describe('trash', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let warnings: string[];
  let log: Log;
  beforeEach(() => {
    folder = temporaryFolder();
    warnings = [];
    log = { ...silentLog, warn: (text) => void warnings.push(text) };
  });
  afterEach(() => folder.remove());
  const trash = () => layoutOf(folder.path).trash;
  const make = (name: string) => {
    fs.mkdirSync(path.join(folder.path, name, 'deep'), { recursive: true });
    fs.writeFileSync(path.join(folder.path, name, 'deep', 'file'), '');
    return path.join(folder.path, name);
  };

  it('takes things out of sight at once, and removes them later', async () => {
    const places = [];
    for (const name of ['.U.partial', 'U', '..U']) places.push(await moveToTrash(disk, folder.path, make(name)));
    assert.deepEqual(
      places.map((place) => path.basename(place ?? '').replace(/\.[0-9a-f]{12}$/, '')),
      ['U.partial', 'U', 'U'],
    );
    assert.deepEqual(fs.readdirSync(folder.path), ['.ios-backup']);
    assert.equal(fs.readdirSync(trash()).length, 3);
    await emptyTrash(disk, folder.path, log);
    assert.equal(fs.existsSync(trash()), false);
    assert.deepEqual(warnings, []);
  });

  it('minds nothing that is missing, and nothing to do', async () => {
    assert.equal(await moveToTrash(disk, folder.path, path.join(folder.path, 'missing')), undefined);
    await emptyTrash(disk, path.join(folder.path, 'elsewhere'), log);
    assert.deepEqual(warnings, []);
  });

  it('fails to take away what the disk holds on to', async () => {
    const item = make('U');
    const stuck = failing(disk, 'EIO', ({ name }) => name === 'rename');
    await assert.rejects(moveToTrash(stuck, folder.path, item), { code: 'EIO' });
    assert.ok(fs.existsSync(item));
  });

  it('leaves for the next time what cannot be removed now, and says so', async () => {
    await moveToTrash(disk, folder.path, make('U'));
    await emptyTrash(
      failing(disk, 'EBUSY', ({ name }) => name === 'removeFile'),
      folder.path,
      log,
    );
    assert.match(warnings.join(), /left in .*trash: .*EBUSY/);
    await emptyTrash(disk, folder.path, log);
    assert.equal(fs.existsSync(trash()), false);
  });

  it('ends when it is cancelled, without a word', async () => {
    await moveToTrash(disk, folder.path, make('U'));
    await emptyTrash(disk, folder.path, log, AbortSignal.abort());
    assert.equal(fs.readdirSync(trash()).length, 1);
    const abort = new AbortController();
    const cancelling = failing(disk, 'EIO', ({ name }) => {
      if (name === 'removeFile') abort.abort();
      return name === 'removeFile';
    });
    await emptyTrash(cancelling, folder.path, log, abort.signal);
    assert.deepEqual(warnings, []);
  });
});
