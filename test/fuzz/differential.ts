import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import {
  dict,
  encodeBinaryPlist,
  encodeXmlPlist,
  isBinaryPlist,
  isPlistError,
  parsePlist,
  PlistReal,
  PlistUid,
  type PlistValue,
} from '../../src/plist';
import { Random } from '../faults/random';
import { canonical, type Canonical } from '../unit/plist/plistValues';
import type { FuzzOptions } from './fuzz';
import { hostileBytes } from './mutation';

const BATCH = 5_000;
/** A process for each: one in so many lists goes to plistutil. */
const EVERY_FOR_PLISTUTIL = 25;
const AT_ONCE = 2;

const SAMPLE: PlistValue = dict({
  string: 'text & <more>',
  unicode: 'é\u{1f600}',
  long: 'x'.repeat(40),
  integers: [0, 255, 65_535, 2 ** 32 - 1, 2 ** 40, -1, 2n ** 62n],
  reals: [new PlistReal(0.5), new PlistReal(-1e300)],
  bools: [true, false],
  date: new Date('2024-05-06T07:08:09Z'),
  data: Buffer.from([0, 1, 2, 0xff]),
  nested: [[[dict({ a: [dict({})] })]], []],
});
const WITH_UID: PlistValue = dict({ $objects: ['$null', dict({ $class: new PlistUid(2) })], uid: new PlistUid(300) });
const SAMPLES = [encodeBinaryPlist(SAMPLE), encodeBinaryPlist(WITH_UID), Buffer.from(encodeXmlPlist(SAMPLE))];

/**
 * Changed property lists that other programs and we read: what both accept must be the same. We refuse more than they do.
 *
 * Known differences, left out: dates between two milliseconds; of libplist, XML with characters or references that the
 * standard forbids, which it takes as they are, integers that begin with 0, which it takes for octal, and integers of more
 * than 64 bits, which it cuts.
 * @returns how many lists both have read
 * @throws AssertionError with the seed and the list
 */
export async function compareReaders({ seed, rounds }: FuzzOptions): Promise<{ python: number; plistutil: number }> {
  const counts = { python: 0, plistutil: 0 };
  for (let first = 0; first < rounds; first += BATCH) {
    const lists: { readonly seed: number; readonly bytes: Buffer; readonly ours: Canonical }[] = [];
    for (let round = first; round < Math.min(rounds, first + BATCH); round++) {
      const bytes = hostileBytes(new Random(seed + round), SAMPLES);
      const ours = read(bytes);
      if (ours !== undefined) lists.push({ seed: seed + round, bytes, ours });
    }
    const theirs = await askPython(lists.map(({ bytes }) => bytes));
    lists.forEach((list, index) => {
      const answer = theirs[index];
      if (answer === undefined) return;
      counts.python++;
      assertSame('plistlib', list, answer);
    });
    const some = lists.filter((_, index) => index % EVERY_FOR_PLISTUTIL === 0);
    for (let at = 0; at < some.length; at += AT_ONCE) {
      await Promise.all(
        some.slice(at, at + AT_ONCE).map(async (list) => {
          const written = await plistutil(list.bytes);
          if (written === undefined || !isComparable(list.bytes)) return;
          counts.plistutil++;
          assertSame('plistutil', list, canonical(parsePlist(written)));
        }),
      );
    }
  }
  return counts;
}

function read(bytes: Buffer): Canonical | undefined {
  try {
    return canonical(parsePlist(bytes));
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}

function assertSame(who: string, list: { seed: number; bytes: Buffer; ours: Canonical }, theirs: Canonical): void {
  if (isSame(list.ours, theirs)) return;
  const message = `${who} reads it otherwise: npm run fuzz -- --only differential --seed ${list.seed} --rounds 1\n${list.bytes.toString('base64')}`;
  assert.deepEqual(list.ours, theirs, message);
}

function isSame(ours: Canonical, theirs: Canonical): boolean {
  if (typeof ours === 'string' || typeof theirs === 'string') return isSameScalar(String(ours), String(theirs));
  return ours.length === theirs.length && ours.every((one, index) => isSame(one, theirs[index] ?? ''));
}

function isSameScalar(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const [, one] = /^date (-?\d+)$/.exec(ours) ?? [];
  const [, other] = /^date (-?\d+)$/.exec(theirs) ?? [];
  return one !== undefined && other !== undefined && Math.abs(Number(one) - Number(other)) <= 1;
}

// eslint-disable-next-line no-control-regex -- they are what is looked for
const READ_OTHERWISE = /[\0-\x08\x0b-\x1f\ufffe\uffff]|&#|>\s*[+-]?0[0-9]|[0-9]{20}/;

/** Binary, or XML without what libplist takes as it is where XML forbids it, and without numbers that it takes for others. */
function isComparable(bytes: Buffer): boolean {
  return isBinaryPlist(bytes) || (isUtf8(bytes) && !READ_OTHERWISE.test(bytes.toString()));
}

/** What plistlib reads, in the same order; undefined for what it refuses. */
async function askPython(lists: readonly Buffer[]): Promise<(Canonical | undefined)[]> {
  if (lists.length === 0) return [];
  const python = spawn('python3', [path.join(PROJECT_ROOT, 'test/unit/plist/oracle.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const parts: Buffer[] = [];
  python.stdout.on('data', (part: Buffer) => parts.push(part));
  python.stdin.end(lists.map((list) => JSON.stringify({ list: list.toString('base64'), formats: [] })).join('\n'));
  const [code] = (await once(python, 'close')) as [number | null];
  assert.equal(code, 0, 'python3 failed');
  const lines = Buffer.concat(parts).toString().trim().split('\n');
  assert.equal(lines.length, lists.length);
  return lines.map((line) => (JSON.parse(line) as { canonical?: Canonical }).canonical);
}

/** The list as plistutil writes it again in binary; undefined for what it refuses. */
function plistutil(list: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      'plistutil',
      ['-i', '-', '-o', '-', '-f', 'bin'],
      { encoding: 'buffer', timeout: 20_000 },
      (error, written) => resolve(error || written.length === 0 ? undefined : written),
    );
    // It may end before it has read all.
    child.stdin?.on('error', () => {});
    child.stdin?.end(list);
  });
}
