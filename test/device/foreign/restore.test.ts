import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runTool } from '../../support/foreignTool';
import { presetNamed } from '../../virtualDevice';
import { RestoreStage } from '../restore/restoreStage';

/* Debian's idevicebackup2 1.3.0 and this program, each restoring what the other has backed up: the state is the same. */

const OTHER = { udid: '00008110-000A1B2C3D4E0022', name: 'Bob’s iPhone', seed: 77, content: { files: [], groups: [] } };

describe('idevicebackup2 and a restore', function () {
  this.timeout(120_000);

  for (const password of [undefined, 'pässwörd 🔑']) {
    const kind = password === undefined ? 'plain' : 'encrypted';
    const secret = password === undefined ? {} : { password };
    const options = password === undefined ? [] : ['--password', password];

    async function start(): Promise<RestoreStage> {
      return RestoreStage.start(
        presetNamed('small', { state: password === undefined ? {} : { backupPassword: password } }),
        presetNamed('small', OTHER),
      );
    }

    async function foreign(stage: RestoreStage, ...args: string[]): Promise<void> {
      const { code, output } = await runTool('idevicebackup2', [...args, stage.folder], stage.host.address, 60_000);
      assert.equal(code, 0, output);
      assert.match(output, /Successful/);
    }

    it(`restores our ${kind} backup to the state that we restore it to`, async () => {
      await using stage = await start();
      const other = stage.host.devices[1]!;
      await stage.backUp();
      const digest = await stage.device.stateDigest();
      const tree = stage.tree();
      await stage.spoil(1);
      await foreign(stage, '-u', stage.device.udid, 'restore', '--system', '--settings', '--remove', ...options);
      assert.equal(await stage.device.stateDigest(), digest);
      await stage.restore({ device: other, ...secret });
      assert.equal(await other.stateDigest(), digest);
      assert.deepEqual(stage.tree(), tree);
    });

    it(`has made a ${kind} backup that we restore to the state that it restores it to`, async () => {
      await using stage = await start();
      const other = stage.host.devices[1]!;
      await foreign(stage, '-u', stage.device.udid, 'backup', '--full');
      const digest = await stage.device.stateDigest();
      const tree = stage.tree();
      await stage.spoil(2);
      await stage.restore(secret);
      assert.equal(await stage.device.stateDigest(), digest);
      const source = ['-s', stage.device.udid];
      await foreign(stage, '-u', other.udid, ...source, 'restore', '--system', '--settings', '--remove', ...options);
      assert.equal(await other.stateDigest(), digest);
      assert.deepEqual(stage.tree(), tree);
    });
  }
});
