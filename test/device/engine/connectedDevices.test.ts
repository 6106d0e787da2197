import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'mocha';
import { silentLog } from '../../../src/base/log';
import { ConnectedDevices } from '../../../src/engine/connectedDevices';
import { muxAddress } from '../../../src/device';
import { until } from '../../support/until';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

describe('ConnectedDevices', () => {
  it('leaves nothing at the signal of one who has observed a device, however that ended', async function () {
    this.timeout(60_000);
    await using host = await VirtualDeviceHost.start({ devices: [presetNamed('small')], control: false });
    const { udid } = host.device;
    const address = muxAddress({ setting: host.address, env: {}, platform: process.platform });
    const devices = new ConnectedDevices(address, silentLog);
    const abort = new AbortController();
    const { signal } = abort;
    await devices.pair(udid, () => {}, signal);
    const listeners = () => getEventListeners(signal, 'abort').length;
    const before = listeners();
    for (let round = 0; round < 3; round++) {
      let observing = false;
      const observed = devices.observe(udid, () => (observing = true), signal).catch(() => {});
      await until(() => observing);
      await host.device.unplug();
      await observed;
      assert.equal(listeners(), before, `round ${round}`);
      await host.device.plug();
    }
    let observing = false;
    const observed = devices.observe(udid, () => (observing = true), signal);
    await until(() => observing);
    abort.abort();
    await observed.catch(() => {});
    assert.equal(listeners(), before);
  });
});
