import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { Reminders, type ReminderDue } from '../../src/app/reminders';
import { backup, device, engine, job, UDID } from '../unit/views/generalTab/facts';
import { fakeMemento, FakeSession } from './fakes';

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
const withBackup = (days: number, parts = {}) =>
  engine({ catalogue: { folders: [], backups: [{ ...backup, date: daysAgo(days) }] }, ...parts });

describe('reminders', () => {
  let session: FakeSession;
  let memento: vscode.Memento;
  let reminders: Reminders;
  let due: ReminderDue[];
  const start = () => {
    reminders?.dispose();
    reminders = new Reminders(session.asSession, memento, { settleMs: 10 });
    reminders.onDue((one) => due.push(one));
  };
  const shown = async (state = withBackup(20)) => {
    due = [];
    start();
    session.show(state);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return due;
  };

  beforeEach(() => {
    session = new FakeSession();
    memento = fakeMemento();
  });
  afterEach(() => reminders.dispose());

  it('come when the last good backup is older than the setting says, once a day', async () => {
    assert.deepEqual(
      (await shown()).map(({ udid, name, connected }) => ({ udid, name, connected })),
      [{ udid: UDID, name: 'My iPhone', connected: true }],
    );
    assert.deepEqual(await shown(), []);
  });

  it('do not come for a fresh backup, while one is made, or for a device that was never here', async () => {
    assert.deepEqual(await shown(withBackup(3)), []);
    assert.deepEqual(await shown(withBackup(20, { jobs: [job('backup')] })), []);
    memento = fakeMemento();
    assert.deepEqual(await shown(withBackup(20, { devices: [{ ...device, udid: 'other' }] })), []);
  });

  it('come also while a known device is away', async () => {
    await shown(withBackup(1));
    assert.deepEqual(
      (await shown(withBackup(20, { devices: [] }))).map(({ connected }) => connected),
      [false],
    );
  });

  it('stay away once put off', async () => {
    start();
    await reminders.dismiss(UDID);
    assert.ok(reminders.quietUntil(UDID) > Date.now() + 13 * DAY_MS);
    assert.deepEqual(await shown(), []);
  });

  it('stay away once turned off', async () => {
    const section = vscode.workspace.getConfiguration('iosBackup');
    await section.update('reminderDays', 0, vscode.ConfigurationTarget.Global);
    try {
      assert.deepEqual(await shown(), []);
    } finally {
      await section.update('reminderDays', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
