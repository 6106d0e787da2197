import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { MemorySource } from '../../../../src/backups/format/byteSource';
import { WalSource } from '../../../../src/backups/format/walSource';

const PAGE = 512;

/** A log written from the published format, not with the code that reads it. */
function makeLog(
  frames: readonly { readonly page: number; readonly fill: number; readonly commit?: number }[],
  { bigEndian = false, pageSize = PAGE } = {},
): Buffer {
  let sum: [number, number] = [0, 0];
  const add = (bytes: Buffer) => {
    let [a, b] = sum;
    for (let at = 0; at < bytes.length; at += 8) {
      a = (a + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + b) >>> 0;
      b = (b + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + a) >>> 0;
    }
    sum = [a, b];
  };
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
    return bytes;
  };
  const header = words(bigEndian ? 0x377f0683 : 0x377f0682, 3007000, pageSize, 0, 11, 22);
  add(header);
  const parts = [header, words(...sum)];
  for (const { page, fill, commit = 0 } of frames) {
    const content = Buffer.alloc(PAGE, fill);
    const head = words(page, commit);
    add(head);
    add(content);
    parts.push(head, words(11, 22), words(...sum), content);
  }
  return Buffer.concat(parts);
}

const database = () => new MemorySource(Buffer.concat([Buffer.alloc(PAGE, 1), Buffer.alloc(PAGE, 2)]));
const pages = (log: Buffer) => {
  const source = new WalSource(database(), new MemorySource(log));
  const all = Buffer.alloc(source.size);
  assert.equal(source.read(all, 0), source.size);
  return Array.from({ length: source.size / PAGE }, (_, index) => all[index * PAGE]);
};

describe('WalSource', () => {
  const frames = [
    { page: 2, fill: 20 },
    { page: 3, fill: 30, commit: 3 },
    { page: 2, fill: 21, commit: 3 },
    { page: 1, fill: 99 },
  ];

  test('lays the newest committed pages over the database, and nothing else', () => {
    assert.deepEqual(pages(makeLog(frames)), [1, 21, 30]);
    assert.deepEqual(pages(makeLog([])), [1, 2]);
    assert.deepEqual(pages(makeLog([{ page: 1, fill: 7, commit: 1 }])), [7]);
  });

  test('stops at the first frame that is damaged or cut, wherever it is', () => {
    const log = makeLog(frames);
    const frame = 24 + PAGE;
    const states = [
      [1, 2],
      [1, 2],
      [1, 20, 30],
      [1, 21, 30],
      [1, 21, 30],
    ];
    for (let length = 0; length <= log.length; length += 7) {
      const whole = Math.max(0, Math.floor((length - 32) / frame));
      assert.deepEqual(pages(log.subarray(0, length)), states[whole], `${length} bytes`);
    }
    for (const at of [...Array.from({ length: 32 }, (_, at) => at), 61, 122, 600, 900, 1300, 1700, 2100]) {
      const damaged = Buffer.from(log);
      damaged[at]! ^= 0x40;
      const whole = at < 32 ? 0 : Math.floor((at - 32) / frame);
      assert.deepEqual(pages(damaged), states[whole], `byte ${at}`);
    }
  });

  test('reads the checksums of computers of either byte order', () => {
    assert.deepEqual(pages(makeLog(frames, { bigEndian: true })), [1, 21, 30]);
  });

  test('passes over a log of no page size that SQLite has', () => {
    for (const pageSize of [0, 256, 513, 1000, 131_072]) {
      assert.deepEqual(pages(makeLog([{ page: 1, fill: 7, commit: 1 }], { pageSize })), [1, 2]);
    }
  });

  test('passes over what an earlier log left behind', () => {
    const log = makeLog(frames);
    log.writeUInt32BE(12, 32 + 24 + PAGE + 8);
    assert.deepEqual(pages(log), [1, 2]);
  });

  test('reads a log of many megabytes', () => {
    const many = Array.from({ length: 4500 }, (_, index) => ({ page: 1 + (index % 3), fill: index % 251, commit: 3 }));
    assert.deepEqual(
      pages(makeLog(many)),
      [4497, 4498, 4499].map((index) => index % 251),
    );
  });

  test('passes over a log beyond all measure', () => {
    const log = new MemorySource(makeLog(frames));
    const endless = { size: 2 ** 30 + 1, read: log.read.bind(log), close() {} };
    assert.equal(new WalSource(database(), endless).pages, 0);
  });

  test('closes both of its sources', () => {
    const closed: string[] = [];
    const source = (name: string) => ({ size: 0, read: () => 0, close: () => void closed.push(name) });
    new WalSource(source('database'), source('log')).close();
    assert.deepEqual(closed.sort(), ['database', 'log']);
  });

  test('reads any part', () => {
    const source = new WalSource(database(), new MemorySource(makeLog(frames)));
    const part = Buffer.alloc(600);
    assert.equal(source.read(part, 500), 600);
    assert.deepEqual([part[0], part[11], part[12], part[523], part[524]], [1, 1, 21, 21, 30]);
    assert.equal(source.read(part, source.size - 10), 10);
    assert.equal(source.read(part, source.size), 0);
  });
});
