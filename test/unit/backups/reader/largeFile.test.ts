import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'mocha';
import { type ByteSource, DecryptedSource, FileSource } from '../../../../src/backups/format/byteSource';
import { decryptBlocks } from '../../../../src/backups/format/fileCipher';

const SIZE = 4 * 2 ** 30 + 16;
/** Around where 31, 32 and 33 bits end, and the parts' borders. */
const OFFSETS = [0, 1, 2 ** 20 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 17, 2 ** 32 - 1, SIZE - 100];

describe('a file of 4 GiB', () => {
  let folder: string;
  let file: string;
  let source: ByteSource | undefined;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'large-'));
    file = path.join(folder, 'film');
    // Nothing but a hole: it takes no room on the disk.
    fs.writeFileSync(file, '');
    fs.truncateSync(file, SIZE);
  });
  afterEach(() => {
    source?.close();
    fs.rmSync(folder, { recursive: true });
  });

  test('is read at any place', () => {
    const fd = fs.openSync(file, 'r+');
    OFFSETS.forEach((offset, index) => fs.writeSync(fd, Buffer.from([index + 1]), 0, 1, offset));
    fs.closeSync(fd);
    source = new FileSource(file);
    assert.equal(source.size, SIZE);
    for (const [index, offset] of OFFSETS.entries()) {
      const target = Buffer.alloc(1);
      assert.equal(source.read(target, offset), 1);
      assert.equal(target[0], index + 1, String(offset));
    }
  });

  test('is decrypted at any place, in memory that does not grow with it', () => {
    const key = Buffer.alloc(32, 7);
    // The last block is padding, as the cipher made it behind a block of zeros.
    const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
    const last = cipher.update(Buffer.alloc(16, 16));
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, last, 0, 16, SIZE - 16);
    fs.closeSync(fd);
    source = new DecryptedSource(new FileSource(file), Buffer.from(key));
    assert.equal(source.size, SIZE - 16);
    // Stored zeros behind stored zeros.
    const plain = decryptBlocks(key, Buffer.alloc(16), Buffer.alloc(16));
    const before = process.memoryUsage();
    for (const offset of OFFSETS.slice(0, -1)) {
      const target = Buffer.alloc(64 << 10);
      const count = source.read(target, offset);
      assert.equal(count, Math.min(target.length, SIZE - 16 - offset));
      for (let at = 0; at < Math.min(count, 64); at++) {
        assert.equal(target[at], plain[(offset + at) % 16], `${offset} + ${at}`);
      }
    }
    assert.equal(source.read(Buffer.alloc(16), SIZE - 16), 0);
    const { rss, external } = process.memoryUsage();
    assert.ok(rss - before.rss < 128 << 20 && external - before.external < 64 << 20);
  });
});
