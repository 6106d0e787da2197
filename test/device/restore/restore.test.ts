import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { presetNamed } from '../../virtualDevice';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';
import { FINDER, RestoreStage } from './restoreStage';

const PASSWORD = 'pässwörd 🔑';
const OTHER = { udid: '00008110-000A1B2C3D4E0022', name: 'Bob’s iPhone', productType: 'iPhone14,5', seed: 77 } as const;

function fails(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => isAppError(error, code) || assert.fail(String(error)));
}

describe('a restore by the engine', function () {
  this.timeout(60_000);

  for (const backupPassword of [undefined, PASSWORD]) {
    const kind = backupPassword === undefined ? 'plain' : 'encrypted';
    const secret = backupPassword === undefined ? {} : { password: backupPassword };
    const state = backupPassword === undefined ? {} : { backupPassword };

    it(`brings the changed and erased device back, byte for byte, from a ${kind} backup`, async () => {
      await using stage = await RestoreStage.start(presetNamed('small', { state }));
      await stage.backUp();
      const digest = await stage.device.stateDigest();
      const tree = stage.tree();
      await stage.spoil(3);
      assert.notEqual(await stage.device.stateDigest(), digest);
      const id = stage.device.state.attachments[0]?.deviceId;
      assert.deepEqual(await stage.restore(secret), { restarted: true });
      assert.equal(await stage.device.stateDigest(), digest);
      assert.notEqual(stage.device.state.attachments[0]?.deviceId, id);
      assert.equal(stage.stages.at(-1), 'restarting');

      await stage.device.erase();
      assert.equal(stage.content().count, 0);
      await stage.pair(stage.device.udid);
      await stage.restore(secret);
      assert.equal(await stage.device.stateDigest(), digest);
      assert.deepEqual(stage.tree(), tree);
      const apps = stage.device.state.description.apps.filter(({ store }) => store).map(({ bundleId }) => bundleId);
      assert.deepEqual(backupsOf(stage.device.state).restoreApplications?.toSorted(), apps.toSorted());
    });

    it(`brings another device to the state of a ${kind} backup`, async () => {
      await using stage = await RestoreStage.start(
        presetNamed('small', { state }),
        presetNamed('small', { ...OTHER, content: { files: [], groups: [] } }),
      );
      const other = stage.host.devices[1]!;
      await stage.backUp();
      const tree = stage.tree();
      const digest = await stage.device.stateDigest();
      assert.notEqual(await other.stateDigest(), digest);
      await stage.restore({ device: other, ...secret });
      assert.equal(await other.stateDigest(), digest);
      assert.equal(other.state.name, stage.device.state.name);
      assert.deepEqual(stage.tree(), tree);
    });

    it(`takes an older ${kind} version, and a folder of any name`, async () => {
      await using stage = await RestoreStage.start(presetNamed('small', { state }));
      await stage.backUp();
      const first = await stage.device.stateDigest();
      await stage.spoil(5);
      await stage.backUp();
      const second = await stage.device.stateDigest();
      assert.notEqual(second, first);
      const [version = ''] = fs.readdirSync(stage.folder).filter((name) => /-\d{8}-\d{6}$/.test(name));
      const elsewhere = path.join(stage.home.folder, 'my old phone');
      fs.cpSync(path.join(stage.folder, version), elsewhere, { recursive: true });
      const tree = stage.tree();
      await stage.restore({ path: path.join(stage.folder, version), ...secret });
      assert.equal(await stage.device.stateDigest(), first);
      await stage.restore({ path: stage.backup, ...secret });
      assert.equal(await stage.device.stateDigest(), second);
      await stage.restore({ path: elsewhere, ...secret });
      assert.equal(await stage.device.stateDigest(), first);
      assert.deepEqual(stage.tree(), tree);
    });
  }

  it('is remembered in the history, with how it ended', async () => {
    await using stage = await RestoreStage.start(presetNamed('small'));
    await stage.backUp();
    await stage.device.set({ failWith: 105 });
    await fails(stage.restore(), 'deviceDiskFull');
    await stage.restore({ options: { restart: false } });
    const history = await stage.client.call('history', { udid: stage.device.udid });
    const told = history.map(({ kind, outcome, error }) => [kind ?? 'backup', outcome, error?.code]);
    assert.deepEqual(told, [
      ['restore', 'done', undefined],
      ['restore', 'failed', 'deviceDiskFull'],
      ['backup', 'done', undefined],
    ]);
    assert.ok(history[0]!.files > 10 && history[0]!.bytes > 100_000);
    assert.deepEqual(await stage.outcome(), {});
  });

  it('keeps what it is told to keep', async () => {
    await using stage = await RestoreStage.start(presetNamed('small'));
    await stage.backUp();
    const file = { domain: 'MediaDomain', relativePath: 'Media/extra', kind: 'file', size: 5 } as const;
    await stage.device.putFile(file);
    const setting = () =>
      stage.content().find('HomeDomain', 'Library/Preferences/com.apple.springboard.plist')?.revision;
    const before = setting();
    stage.content().changeFiles(1000, 3);
    const changed = setting();
    assert.notEqual(changed, before);
    await stage.restore({ options: { removeOthers: false, keepSettings: true } });
    assert.ok(stage.content().find(file.domain, file.relativePath));
    assert.equal(setting(), changed);
    await stage.restore({ options: FINDER });
    assert.equal(stage.content().find(file.domain, file.relativePath), undefined);
    assert.equal(setting(), before);
  });

  it('refuses a second job on the device meanwhile', async () => {
    await using stage = await RestoreStage.start(presetNamed('small', { state: { prepareMs: 0 } }));
    await stage.backUp();
    const restoring = stage.restore();
    await fails(stage.restore(), 'jobRunning');
    await fails(stage.backUp(), 'jobRunning');
    await restoring;
  });

  it('says so when the device does not come back', async () => {
    await using stage = await RestoreStage.start(presetNamed('small'));
    await stage.backUp();
    const cancel = new AbortController();
    stage.client.onState(({ jobs }) => {
      if (jobs.some(({ kind, progress }) => kind === 'restore' && progress.stage === 'restarting')) cancel.abort();
    });
    // It has the backup already: not to wait any longer does not make that undone.
    assert.deepEqual(await stage.restore({ signal: cancel.signal }), { restarted: false });
    assert.deepEqual(await stage.outcome(), { restarted: false });
  });
});
