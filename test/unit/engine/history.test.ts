import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import { History } from '../../../src/engine/history';
import type { HistoryEntry } from '../../../src/engine/protocol';

const entry = (number: number): HistoryEntry => ({
  udid: '00008030-000A',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:01:00.000Z',
  outcome: 'done',
  bytes: number,
  files: 1,
  full: false,
  encrypted: true,
});

describe('History', () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'history-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('lists the newest first, in a file that only the user can read', async () => {
    const history = new History(folder);
    assert.deepEqual(await history.list('00008030-000A'), []);
    await Promise.all([1, 2, 3].map((number) => history.add(entry(number))));
    assert.deepEqual(
      (await new History(folder).list('00008030-000a')).map(({ bytes }) => bytes),
      [3, 2, 1],
    );
    const file = path.join(folder, 'history', '00008030-000a.jsonl');
    if (process.platform !== 'win32') assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  });

  it('stays bounded', async () => {
    const history = new History(folder);
    for (let number = 0; number < 620; number += 1) await history.add(entry(number));
    const list = await history.list('00008030-000A');
    assert.equal(list.length, 500);
    assert.equal(list[0]?.bytes, 619);
    const lines = fs.readFileSync(path.join(folder, 'history', '00008030-000a.jsonl'), 'utf8').split('\n').length;
    assert.ok(lines < 620, `${lines} lines`);
    assert.equal(fs.readdirSync(path.join(folder, 'history')).length, 1);
  });

  it('leaves out what is no entry', async () => {
    const history = new History(folder);
    await history.add(entry(1));
    const damaged = [
      null,
      7,
      {},
      { ...entry(2), endedAt: 'never' },
      { ...entry(3), bytes: '3' },
      { ...entry(4), error: 1 },
    ];
    const file = path.join(folder, 'history', '00008030-000a.jsonl');
    for (const line of damaged) fs.appendFileSync(file, `\n${JSON.stringify(line)}`);
    assert.deepEqual(await history.list('00008030-000A'), [entry(1)]);
  });

  it('survives a line that was cut short', async () => {
    const history = new History(folder);
    await history.add(entry(1));
    fs.appendFileSync(path.join(folder, 'history', '00008030-000a.jsonl'), '\n{"udid":"0000803');
    await history.add(entry(2));
    assert.deepEqual(
      (await history.list('00008030-000A')).map(({ bytes }) => bytes),
      [2, 1],
    );
  });

  it('refuses what is no UDID', async () => {
    const history = new History(folder);
    const refused = async () => history.list('../../etc/passwd');
    await assert.rejects(refused, (error) => isAppError(error, 'notAllowed'));
  });
});
