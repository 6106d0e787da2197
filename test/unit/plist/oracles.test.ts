import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import * as bplistParser from 'bplist-parser';
import fc from 'fast-check';
import { describe, test } from 'mocha';
import * as npmPlist from 'plist';
import { encodeBinaryPlist, encodeXmlPlist, parsePlist, PlistReal, PlistUid } from '../../../src/plist';
import { ANY_IN_XML, canonical, type Canonical, plistValue } from './plistValues';

/** Fixed: a failure must come back. The round trips next door are random. */
const SEED = 20260101;

/** What the others have a form for too, in both kinds of list. */
const COMMON = { ...ANY_IN_XML, specialReals: false };
const values = fc.sample(plistValue(COMMON), { numRuns: 300, seed: SEED });
const withoutUids = fc.sample(plistValue({ ...COMMON, uids: false }), { numRuns: 300, seed: SEED });

describe('property lists as other programs read and write them', () => {
  test("Python's plistlib reads our binary lists, and we read its", function () {
    // On other systems the programs may be missing; the codecs do not depend on the system.
    if (process.platform !== 'linux') return this.skip();
    const answers = askPython(values.map(encodeBinaryPlist), ['binary']);
    values.forEach((value, index) => {
      const { canonical: theirs, written } = answers[index]!;
      assert.deepEqual(theirs, canonical(value));
      assert.deepEqual(canonical(parsePlist(written[0]!)), canonical(value));
    });
  });

  test("Python's plistlib reads our XML lists, and we read its", function () {
    if (process.platform !== 'linux') return this.skip();
    const answers = askPython(
      withoutUids.map((value) => Buffer.from(encodeXmlPlist(value))),
      ['xml', 'binary'],
    );
    withoutUids.forEach((value, index) => {
      const { canonical: theirs, written } = answers[index]!;
      assert.deepEqual(theirs, canonical(value));
      assert.deepEqual(canonical(parsePlist(written[0]!)), withoutReturns(canonical(value)));
      assert.deepEqual(canonical(parsePlist(written[1]!)), canonical(value));
    });
  });

  test('plistutil reads ours, and we read its', function () {
    if (process.platform !== 'linux') return this.skip();
    const some = fc.sample(plistValue({ ...COMMON, unsigned64: false, uids: false }), { numRuns: 300, seed: SEED });
    assert.deepEqual(canonical(parsePlist(plistutil('bin', Buffer.from(encodeXmlPlist(some))))), canonical(some));
    assert.deepEqual(canonical(parsePlist(plistutil('xml', encodeBinaryPlist(some)))), withoutReturns(canonical(some)));
  });

  test('bplist-parser reads ours as we do', () => {
    bplistParser.setMaxObjectCount(1_000_000);
    for (const value of fc.sample(plistValue({ ...COMMON, protoKeys: false }), { numRuns: 300, seed: SEED })) {
      const [theirs] = bplistParser.parseBuffer<unknown>(encodeBinaryPlist(value));
      assert.deepEqual(lossy(theirs), lossy(value));
    }
  });

  test('the plist package reads ours of both kinds', () => {
    // It takes integers of 16 bytes for 0.
    const options = { ...COMMON, unsigned64: false, uids: false, protoKeys: false };
    for (const value of fc.sample(plistValue(options), { numRuns: 300, seed: SEED })) {
      assert.deepEqual(lossy(npmPlist.parse(encodeXmlPlist(value))), lossy(value));
      assert.deepEqual(lossy(npmPlist.parseBinary(encodeBinaryPlist(value))), lossy(value));
    }
  });
});

interface PythonAnswer {
  readonly canonical: Canonical;
  readonly written: readonly Buffer[];
}

function askPython(lists: readonly Buffer[], formats: readonly ('xml' | 'binary')[]): PythonAnswer[] {
  const script = path.join(PROJECT_ROOT, 'test/unit/plist/oracle.py');
  const input = lists.map((list) => JSON.stringify({ list: list.toString('base64'), formats })).join('\n');
  const lines = run('python3', [script], Buffer.from(input)).toString().trim().split('\n');
  assert.equal(lines.length, lists.length);
  return lines.map((line) => {
    const answer = JSON.parse(line) as { canonical: Canonical; written: string[]; error?: string };
    assert.equal(answer.error, undefined);
    return { canonical: answer.canonical, written: answer.written.map((list) => Buffer.from(list, 'base64')) };
  });
}

function plistutil(format: 'bin' | 'xml', list: Buffer): Buffer {
  return run('plistutil', ['-i', '-', '-o', '-', '-f', format], list);
}

function run(program: string, args: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, maxBuffer: 1 << 28, timeout: 20_000 });
  if (error) throw error;
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

/** The others write carriage returns bare, where an XML reader takes them for line feeds. */
function withoutReturns(value: Canonical): Canonical {
  return typeof value === 'string' ? value.replace(/\r\n?/g, '\n') : value.map(withoutReturns);
}

/**
 * What is left of a value in libraries that give plain objects: no difference between integers and reals, rounded large
 * numbers, no order of keys.
 */
function lossy(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return `number ${Number(value)}`;
  if (value instanceof PlistReal) return lossy(value.value);
  if (value instanceof PlistUid) return `uid ${value.value}`;
  if (value instanceof bplistParser.UID) return `uid ${value.UID}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Uint8Array) return `data ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(lossy);
  if (typeof value !== 'object' || value === null) return value;
  const entries: [string, unknown][] =
    value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  const kept = entries
    .filter(([key]) => key !== '__proto__')
    .map(([key, entry]): [string, unknown] => [key, lossy(entry)]);
  return new Map(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
