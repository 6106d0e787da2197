import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openLineWriter, readLines } from '../../../../src/backups/store/lines';
import { nodeFileSystem } from '../../../../src/backups/store/nodeFileSystem';
import { readJson, readSmallFile, replaceSmallFile } from '../../../../src/backups/store/smallFiles';
import { openStoreReader, pumpAll } from '../../../../src/backups/store/storeReader';
import { writeFully } from '../../../../src/backups/store/writeFully';
import { temporaryFolder } from '../../../support/backupFolders';
import { failing, fullAfter, intercepted, shortWrites } from '../../../support/fileSystemFaults';

const disk = nodeFileSystem();

describe('small files', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;
  beforeEach(() => {
    folder = temporaryFolder();
    file = path.join(folder.path, 'file');
  });
  afterEach(() => folder.remove());

  it('are read whole, or not at all', async () => {
    assert.equal(await readSmallFile(disk, file), undefined);
    fs.writeFileSync(file, 'abc');
    assert.equal(String(await readSmallFile(disk, file, 3)), 'abc');
    await assert.rejects(readSmallFile(disk, file, 2), { code: 'EFBIG' });
    await assert.rejects(readSmallFile(disk, folder.path), { code: 'EISDIR' });
    await assert.rejects(
      readSmallFile(
        failing(disk, 'EIO', ({ name }) => name === 'open'),
        file,
      ),
      { code: 'EIO' },
    );
  });

  it('are read in the pieces that the disk gives, to the end that it tells', async () => {
    fs.writeFileSync(file, 'abcdef');
    const slow = {
      ...disk,
      open: async (...args: Parameters<typeof disk.open>) => {
        const opened = await disk.open(...args);
        return {
          ...opened,
          stat: () => opened.stat(),
          close: () => opened.close(),
          read: (buffer: Uint8Array) => opened.read(buffer.subarray(0, 2)),
        };
      },
    };
    assert.equal(String(await readSmallFile(slow, file)), 'abcdef');
    // Somebody shortens it meanwhile.
    const cut = intercepted(disk, async (call, run) => {
      const result = await run();
      if (call.name === 'fstat') fs.truncateSync(file, 4);
      return result;
    });
    assert.equal(String(await readSmallFile(cut, file)), 'abcd');
  });

  it('are replaced by text or bytes, or stay', async () => {
    await replaceSmallFile(disk, file, 'one');
    await replaceSmallFile(disk, file, Buffer.from('two'));
    assert.equal(fs.readFileSync(file, 'utf8'), 'two');
    for (const broken of [
      fullAfter(disk, 2),
      failing(disk, 'EIO', ({ name }) => name === 'sync'),
      failing(disk, 'EIO', ({ name }) => name === 'rename'),
    ]) {
      await assert.rejects(replaceSmallFile(broken, file, 'three'));
      assert.deepEqual(fs.readdirSync(folder.path), ['file']);
      assert.equal(fs.readFileSync(file, 'utf8'), 'two');
    }
    const stuck = failing(disk, 'EROFS', ({ name }) => name === 'rename' || name === 'removeFile');
    await assert.rejects(replaceSmallFile(stuck, file, 'four'), { code: 'EROFS' });
  });

  it('are JSON, or nothing', async () => {
    assert.equal(await readJson(disk, file), undefined);
    fs.writeFileSync(file, '{"a":1}');
    assert.deepEqual(await readJson(disk, file), { a: 1 });
    fs.writeFileSync(file, '{"a":');
    assert.equal(await readJson(disk, file), undefined);
  });

  it('are written to the last byte, or told to be too much', async () => {
    const write = async (on: typeof disk) => {
      fs.rmSync(file, { force: true });
      const opened = await on.open(file, 'create');
      try {
        await writeFully(on, opened, Buffer.from('abcdef'), file);
      } finally {
        await opened.close();
      }
    };
    await write(shortWrites(disk, 1));
    assert.equal(fs.readFileSync(file, 'utf8'), 'abcdef');
    await assert.rejects(write(fullAfter(disk, 4)), {
      code: 'hostDiskFull',
      details: { path: file, neededBytes: 2, freeBytes: 0 },
    });
    await assert.rejects(write(failing(fullAfter(disk, 4), 'EIO', ({ name }) => name === 'freeSpace')), {
      code: 'hostDiskFull',
      details: { path: file, neededBytes: 2 },
    });
    await assert.rejects(write(shortWrites(disk, 0)), { code: 'hostDiskFull' });
    await assert.rejects(write(failing(disk, 'EDQUOT', ({ name }) => name === 'write')), { code: 'hostDiskFull' });
    await assert.rejects(write(failing(disk, 'EIO', ({ name }) => name === 'write')), { code: 'EIO' });
  });

  it('hold lines, however many and however they end', async () => {
    const read = async () => {
      const lines: string[] = [];
      for await (const some of readLines(disk, file)) lines.push(...some);
      return lines;
    };
    for (const [text, lines] of [
      ['', []],
      ['\n', ['']],
      ['a\nb\n', ['a', 'b']],
      ['a\n\nb', ['a', '', 'b']],
    ] as const) {
      fs.writeFileSync(file, text);
      assert.deepEqual(await read(), lines);
    }
    fs.rmSync(file);
    const many = Array.from({ length: 3000 }, (_, index) => `${index} ${'é'.repeat(400)}`);
    const writer = await openLineWriter(disk, file);
    for (const line of many) await writer.write(line);
    await writer.close();
    assert.deepEqual(await read(), many);
    assert.equal(fs.statSync(file).size, Buffer.byteLength(many.join('\n')) + 1);
  });

  it('tell of a full disk when lines are written, and are closed then', async () => {
    let closed = 0;
    const full = fullAfter(disk, 3);
    const counting = {
      ...full,
      open: async (...args: Parameters<typeof disk.open>) => {
        const opened = await full.open(...args);
        return { ...opened, close: () => (closed++, opened.close()) };
      },
    };
    const writer = await openLineWriter(counting, file);
    await writer.write('abc');
    await assert.rejects(writer.close(), { code: 'hostDiskFull' });
    assert.equal(closed, 1);
  });
});

describe('openStoreReader()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  it('opens files and nothing else', async () => {
    const at = (name: string) => path.join(folder.path, name);
    fs.writeFileSync(at('file'), 'abc');
    fs.symlinkSync('file', at('link'));
    await using reader = await openStoreReader(disk, at('file'));
    assert.equal(reader.sizeBytes, 3);
    assert.equal(await reader.read(Buffer.alloc(9)), 3);
    await assert.rejects(openStoreReader(disk, at('missing')), { code: 'ENOENT' });
    await assert.rejects(openStoreReader(disk, folder.path), { code: 'EISDIR' });
    await assert.rejects(openStoreReader(disk, at('link')), { code: 'ELOOP' });
  });

  it('closes what became something else meanwhile', async () => {
    fs.writeFileSync(path.join(folder.path, 'file'), 'abc');
    for (const [type, code] of [
      ['directory', 'EISDIR'],
      ['other', 'EINVAL'],
    ] as const) {
      let closed = 0;
      const changed = {
        ...disk,
        stat: disk.stat.bind(disk),
        open: async (...args: Parameters<typeof disk.open>) => {
          const opened = await disk.open(...args);
          return {
            ...opened,
            stat: async () => ({ ...(await opened.stat()), type }),
            close: () => (closed++, opened.close()),
          };
        },
      };
      await assert.rejects(openStoreReader(changed, path.join(folder.path, 'file')), { code });
      assert.equal(closed, 1);
    }
  });
});

describe('pumpAll()', () => {
  const writer = () => {
    const seen: string[] = [];
    return {
      seen,
      write: (bytes: Uint8Array) => Promise.resolve(void seen.push(Buffer.from(bytes).toString())),
      commit: () => Promise.resolve(void seen.push('commit')),
      abort: () => Promise.resolve(void seen.push('abort')),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
  const reader = (pieces: readonly (string | Error)[]) => {
    const left = [...pieces];
    return {
      sizeBytes: 3,
      read: (buffer: Uint8Array) => {
        const piece = left.shift() ?? '';
        if (piece instanceof Error) return Promise.reject(piece);
        return Promise.resolve(Buffer.from(piece).copy(buffer));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };

  it('writes all and commits', async () => {
    const target = writer();
    await pumpAll(reader(['abc', 'd']), target);
    assert.deepEqual(target.seen, ['abc', 'd', 'commit']);
  });

  it('aborts when reading fails', async () => {
    const target = writer();
    await assert.rejects(pumpAll(reader(['abc', new Error('EIO')]), target), /EIO/);
    assert.deepEqual(target.seen, ['abc', 'abort']);
  });
});
