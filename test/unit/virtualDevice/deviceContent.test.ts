import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ContentRecogniser } from '../../virtualDevice/content/contentRecogniser';
import { DeviceContent } from '../../virtualDevice/content/deviceContent';
import { fillGenerated, readStamp } from '../../virtualDevice/content/generatedContent';
import { stateDigest } from '../../virtualDevice/content/stateDigest';
import { presetNamed } from '../../virtualDevice';

const GIB = 1024 ** 3;

function bytesOf(content: { key: number; revision: number }, size: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length, 0xee);
  fillGenerated(content, size, offset, bytes);
  return bytes;
}

function small(seed = 1): DeviceContent {
  return new DeviceContent(presetNamed('small').content, seed);
}

describe('generated content', () => {
  const file = { key: 123_456_789_012, revision: 3 };

  it('is the same in whatever pieces it is read', () => {
    const whole = bytesOf(file, 20_000, 0, 20_000);
    for (const length of [1, 7, 15, 16, 17, 4095, 4096, 4097, 9000]) {
      const parts: Buffer[] = [];
      for (let at = 0; at < whole.length; at += length) {
        parts.push(bytesOf(file, 20_000, at, Math.min(length, whole.length - at)));
      }
      assert.ok(Buffer.concat(parts).equals(whole), `pieces of ${length}`);
    }
  });

  it('has no two equal blocks, in a file or between files and revisions', () => {
    const seen = new Set<string>();
    for (const other of [file, { ...file, revision: 4 }, { ...file, key: 1 }]) {
      const bytes = bytesOf(other, 16 * 1024 * 1024, 0, 16 * 1024 * 1024);
      for (let at = 0; at < bytes.length; at += 4096) seen.add(bytes.toString('latin1', at, at + 4096));
    }
    assert.equal(seen.size, 3 * 4096);
  });

  it('is mostly zeros above 4 GiB, and the same in pieces there too', () => {
    const size = 5 * GIB + 777;
    const around = bytesOf(file, size, GIB - 10_000, 20_000);
    assert.ok(around.subarray(0, 10_000).every((byte) => byte === 0));
    assert.ok(!around.subarray(10_000, 14_096).every((byte) => byte === 0));
    assert.ok(around.subarray(14_096).every((byte) => byte === 0));
    const end = bytesOf(file, size, size - 5000, 5000);
    assert.ok(!end.subarray(-777).every((byte) => byte === 0));
    assert.deepEqual(bytesOf(file, size, size - 100, 100), end.subarray(-100));
    assert.deepEqual(bytesOf(file, size, GIB + 100, 200), around.subarray(10_100, 10_300));
  });

  it('names itself at its beginning', () => {
    assert.deepEqual(readStamp(bytesOf(file, 100, 0, 100)), file);
    assert.equal(readStamp(Buffer.alloc(15)), undefined);
  });
});

describe('ContentRecogniser', () => {
  const file = { key: 99, revision: 1 };
  const recognise = (bytes: Buffer, size = bytes.length, piece = 1000) => {
    const recogniser = new ContentRecogniser(size);
    for (let at = 0; at < bytes.length; at += piece) recogniser.add(bytes.subarray(at, at + piece));
    return recogniser.end();
  };

  it('knows what the generator has made', () => {
    assert.deepEqual(recognise(bytesOf(file, 50_000, 0, 50_000)), { kind: 'generated', content: file });
  });

  it('keeps everything else as it is, also when the difference comes late or bytes are missing', () => {
    const changed = bytesOf(file, 50_000, 0, 50_000);
    changed[49_999]! ^= 1;
    const cut = bytesOf(file, 50_000, 0, 40_000);
    const more = Buffer.concat([bytesOf(file, 50_000, 0, 50_000), Buffer.from('more')]);
    const cases: [Buffer, number][] = [
      [changed, 50_000],
      [cut, 50_000],
      [more, 50_000],
      [Buffer.from('hello'), 5],
      [Buffer.alloc(0), 0],
    ];
    for (const [bytes, size] of cases) assert.deepEqual(recognise(bytes, size), { kind: 'literal', bytes });
  });
});

describe('DeviceContent', () => {
  it('has a row for every folder from the root of a domain down', () => {
    const content = new DeviceContent(
      { files: [{ domain: 'D', relativePath: 'a/b/c', kind: 'file', size: 1 }], groups: [] },
      1,
    );
    assert.deepEqual(
      [...content.entries()].map(({ path, kind }) => [path, kind]),
      [
        ['a/b', 'directory'],
        ['a', 'directory'],
        ['', 'directory'],
        ['a/b/c', 'file'],
      ],
    );
  });

  it('names the files of groups as described', () => {
    const content = new DeviceContent(
      { files: [], groups: [{ domain: 'D', relativePath: 'a', count: 3, size: 10 }] },
      1,
    );
    assert.deepEqual(
      content.files().map(({ path }) => path),
      ['a/group-000000.bin', 'a/group-000001.bin', 'a/group-000002.bin'],
    );
    assert.equal(new Set(content.files().map(({ key }) => key)).size, 3);
  });

  it('changes the same files in the same way for the same seed', () => {
    const [one, two, three] = [small(), small(), small()];
    assert.deepEqual(one.churn(12, 7), two.churn(12, 7));
    assert.equal(stateDigest(one), stateDigest(two));
    three.churn(12, 8);
    assert.notEqual(stateDigest(one), stateDigest(three));
    assert.notEqual(stateDigest(small(1)), stateDigest(small(2)));
  });

  it('gives what it changes a new time, so that a backup notices', () => {
    const content = small();
    const before = new Map(content.files().map((entry) => [entry.name, entry]));
    for (const entry of content.changeFiles(5, 1)) {
      assert.ok(entry.modified > (before.get(entry.name)?.modified ?? Infinity));
      assert.equal(entry.revision, (before.get(entry.name)?.revision ?? 0) + 1);
    }
  });

  it('keeps content and key of a renamed file, and takes folders away whole', () => {
    const content = new DeviceContent(
      { files: [], groups: [{ domain: 'D', relativePath: 'a/b', count: 3, size: 100 }] },
      1,
    );
    const before = content.find('D', 'a/b/group-000001.bin');
    const after = content.rename('D', 'a/b/group-000001.bin', 'z/new');
    assert.deepEqual([after.key, after.revision, after.size], [before?.key, before?.revision, 100]);
    assert.ok(content.find('D', 'z'));
    assert.equal(content.remove('D', 'a'), true);
    assert.equal(content.remove('D', 'a'), false);
    assert.deepEqual(
      content.files().map(({ path }) => path),
      ['z/new'],
    );
  });

  it('shows every difference in the digest', () => {
    const digests = new Set([stateDigest(small())]);
    const changes: ((content: DeviceContent) => unknown)[] = [
      (content) =>
        content.put({
          domain: 'HomeDomain',
          relativePath: 'Library/Hello.txt',
          kind: 'file',
          content: 'SGVsbG8=',
          revision: 0,
        }),
      (content) => content.touch('HomeDomain', 'Library/Hello.txt'),
      (content) => content.remove('HomeDomain', 'Library/Link'),
      (content) => content.put({ domain: 'HomeDomain', relativePath: 'Library/Link', kind: 'link', target: 'x' }),
      (content) => content.rename('HomeDomain', 'Library/Hello.txt', 'Library/Bye.txt'),
    ];
    for (const change of changes) {
      const content = small();
      change(content);
      digests.add(stateDigest(content));
    }
    assert.equal(digests.size, changes.length + 1);
  });
});
