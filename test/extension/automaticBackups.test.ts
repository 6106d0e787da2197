import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type * as vscode from 'vscode';
import { AutomaticBackups } from '../../src/app/automaticBackups';
import { RememberedPasswords } from '../../src/app/rememberedPasswords';
import { settings } from '../../src/app/settings';
import { backup, engine, UDID } from '../unit/views/generalTab/facts';
import { fakeMemento, FakeSession, fakeSecrets } from './fakes';

const HOUR_MS = 3_600_000;

describe('automatic backups', () => {
  let session: FakeSession;
  let automatic: AutomaticBackups;
  const asked = () => session.calls.filter(({ method }) => method === 'backUp').length;
  const stateAfter = (hours: number) =>
    engine({
      catalogue: {
        folders: [{ path: settings().folderFor(UDID), kind: 'own', state: 'ready' }],
        backups: [{ ...backup, date: new Date(Date.now() - hours * HOUR_MS).toISOString() }],
      },
    });
  const until = async (condition: () => boolean) => {
    for (let turn = 0; turn < 500 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(condition());
  };

  beforeEach(() => {
    session = new FakeSession(() => Promise.resolve({}));
    const log = { info: () => {}, warn: () => {} } as unknown as vscode.LogOutputChannel;
    const passwords = new RememberedPasswords(fakeSecrets(), fakeMemento());
    automatic = new AutomaticBackups({ engine: session.asSession, passwords, log }, fakeMemento(), { lookMs: 10 });
  });
  afterEach(() => automatic.dispose());

  it('begin when the interval has passed, though the device stayed connected and nothing else happened', async () => {
    session.state = stateAfter(23);
    await automatic.set(UDID, { on: true, everyHours: 24 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(asked(), 0);
    // As time goes by; nobody is told.
    session.state = stateAfter(25);
    await until(() => asked() === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(asked(), 1, 'and are not asked for again and again');
  });

  it('do not begin by themselves where nobody has turned them on, nor after the end of the window', async () => {
    session.state = stateAfter(100);
    await new Promise((resolve) => setTimeout(resolve, 50));
    automatic.dispose();
    await automatic.set(UDID, { on: false });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(asked(), 0);
  });
});
