import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { UsbmuxClient } from 'usbmux-client';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

/* npm's usbmux-client: another client that nobody here wrote. */

describe('usbmux-client and the virtual device', () => {
  it('lists, follows what comes and goes, and asks lockdown', async () => {
    await using host = await VirtualDeviceHost.start({
      devices: [presetNamed('small'), presetNamed('ipod')],
      socket: '127.0.0.1:0',
      control: false,
    });
    const client = new UsbmuxClient({ host: '127.0.0.1', port: Number(host.address.split(':')[1]) });
    try {
      const devices = await client.getDevices();
      assert.deepEqual(
        Object.values(devices)
          .map(({ SerialNumber }) => SerialNumber)
          .sort(),
        [presetNamed('small').udid.replace('-', ''), presetNamed('ipod').udid].sort(),
      );
      assert.equal(await client.queryDeviceValue(1, 'ProductType'), 'iPhone13,2');
      const values = await client.queryAllDeviceValues(2);
      assert.equal(values.DeviceClass, 'iPod');

      await host.device.replug();
      const deadline = Date.now() + 5_000;
      while (!('3' in (await client.getDevices()))) {
        assert.ok(Date.now() < deadline, 'the replugged device does not appear');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal('1' in (await client.getDevices()), false);
      await assert.rejects(client.createDeviceTunnel(3, 4_711), { code: 'usbmux-unexpected-3-result' });
      await assert.rejects(client.createDeviceTunnel(1, 62_078), { code: 'usbmux-unexpected-2-result' });
    } finally {
      await client.close();
    }
  });
});
