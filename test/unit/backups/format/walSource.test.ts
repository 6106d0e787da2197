import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { MemorySource } from '../../../../src/backups/format/byteSource';
import { WalSource } from '../../../../src/backups/format/walSource';

const PAGE = 512;

/** A log written from the published format, not with the code that reads it. */
function makeLog(
  frames: readonly { readonly page: number; readonly fill: number; readonly commit?: number }[],
): Buffer {
  let sum: [number, number] = [0, 0];
  const add = (bytes: Buffer) => {
    let [a, b] = sum;
    for (let at = 0; at < bytes.length; at += 8) {
      a = (a + bytes.readUInt32LE(at) + b) >>> 0;
      b = (b + bytes.readUInt32LE(at + 4) + a) >>> 0;
    }
    sum = [a, b];
  };
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
    return bytes;
  };
  const header = words(0x377f0682, 3007000, PAGE, 0, 11, 22);
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
    for (let at = 0; at < log.length; at += 61) {
      const damaged = Buffer.from(log);
      damaged[at]! ^= 0x40;
      const whole = at < 32 ? 0 : Math.floor((at - 32) / frame);
      assert.deepEqual(pages(damaged), states[whole], `byte ${at}`);
    }
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
