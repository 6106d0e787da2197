import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import { treeHash } from '../../faults/treeHash';
import { UDID } from '../../support/backupFolders';
import { makeEngineHome } from '../../support/engineProcess';
import { until } from '../../support/until';
import { presets, VirtualDeviceHost } from '../../virtualDevice';

/** The service for devices passes on whatever a device calls itself over USB; folders and files are named after it. */
const SERIALS = [
  '../../outside/evil',
  '..',
  '/etc/cron.d/evil',
  'C:\\Windows\\evil',
  `${UDID}/../../evil`,
  `${UDID}\0/evil`,
  `.${UDID}.partial`,
  '.ios-backup',
  `${UDID}-20240101-000000`,
  'x'.repeat(4096),
  '__proto__',
];

describe('a device whose serial number is a path', function () {
  this.timeout(60_000);

  it(`is refused, for each of ${SERIALS.length}: nothing is written under its name`, async () => {
    // Each device makes keys, which takes long: two of them are really there, and all are asked for.
    const present = [UDID, SERIALS[0] ?? '', `${UDID}-20240101-000000`];
    const host = await VirtualDeviceHost.start({
      devices: present.map((udid) => ({ ...presets.small(), udid })),
      control: false,
      dashlessSerials: false,
    });
    const home = await makeEngineHome({ muxAddress: host.address });
    try {
      const around = path.join(home.folder, 'around');
      const folder = path.join(around, 'backups');
      fs.mkdirSync(folder, { recursive: true });
      fs.mkdirSync(path.join(around, 'outside'));
      const client = await home.connect();
      await until(() => client.state.devices.some(({ udid, identity }) => udid === UDID && identity !== undefined));
      await client.call('pair', { udid: UDID });
      await client.call('backUp', { udid: UDID, folder });
      const before = [treeHash(around), namesBelow(path.join(home.folder, 'state'))];
      for (const udid of SERIALS) {
        const refused = (error: unknown) => isAppError(error) && error.code !== 'unexpected';
        await assert.rejects(client.call('pair', { udid }), refused, udid);
        await assert.rejects(client.call('backUp', { udid, folder }), refused, udid);
        await assert.rejects(client.call('history', { udid }), refused, udid);
        await assert.rejects(client.call('previewRetention', { folder, udid, policy: { last: 1 } }), refused, udid);
      }
      assert.deepEqual([treeHash(around), namesBelow(path.join(home.folder, 'state'))], before);
      // The honest one beside them is served as before.
      await client.call('backUp', { udid: UDID, folder });
      assert.deepEqual(await host.devices[0]?.compareFolder(folder), []);
      client.dispose();
    } finally {
      await home[Symbol.asyncDispose]();
      await host.stop();
    }
  });
});

function namesBelow(folder: string): readonly string[] {
  return (fs.readdirSync(folder, { recursive: true }) as string[]).sort();
}
