import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { LoopFacts } from '../../../../src/device/mobilebackup2/loopFacts';

describe('LoopFacts', () => {
  const skip = (facts: LoopFacts, hostPath: string) =>
    facts.addSkipped({ devicePath: '/var/x', hostPath, reason: 'Operation not permitted', kept: false });

  test('knows every content that was skipped, and tells of the first thousand', () => {
    const facts = new LoopFacts();
    const id = (index: number) => index.toString(16).padStart(40, '0');
    for (let index = 0; index < 6000; index++) skip(facts, `UDID/${id(index).slice(0, 2)}/${id(index)}`);
    assert.deepEqual([facts.skippedCount, facts.skipped.length, facts.skippedContents.size], [6000, 1000, 6000]);
    assert.ok(facts.skippedContents.has(id(5999)));
  });

  test('counts a content once, wherever it was to be stored first', () => {
    const facts = new LoopFacts();
    const id = 'ab'.repeat(20);
    skip(facts, `UDID/ab/${id}`);
    skip(facts, `UDID/Snapshot/ab/${id}`);
    assert.deepEqual([...facts.skippedContents], [id]);
  });

  test('takes lists, plists and names that are no content for none', () => {
    const facts = new LoopFacts();
    for (const name of ['Manifest.db', 'Status.plist', 'x'.repeat(5000), 'AB'.repeat(20)]) skip(facts, `UDID/${name}`);
    assert.deepEqual([facts.skippedCount, facts.skippedContents.size], [4, 0]);
  });
});
