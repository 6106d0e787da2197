import type { DeviceInfo } from '../../device';
import { UDID_OPTION, type Command } from '../command';
import { findDevice } from '../findDevice';

export const pair: Command = {
  summary: 'make this computer trusted by a device',
  options: { udid: UDID_OPTION },
  help: ['Waits until Trust is tapped on the device; Ctrl-C ends the waiting.'],
  async run({ engine, option, output, signal }) {
    const client = await engine();
    const { udid, identity } = await findDevice(client, option('udid'), signal);
    const name = identity?.name ?? udid;
    let shown = '';
    const show = (list: readonly DeviceInfo[]) => {
      const trust = list.find((device) => device.udid === udid)?.trust;
      if (!trust || trust.kind === shown) return;
      shown = trust.kind;
      if (trust.kind === 'waitingForTrust') output.event('trust', { state: trust.kind }, `Tap Trust on ${name}.`);
      else if (trust.kind === 'locked') output.event('trust', { state: trust.kind }, `Unlock ${name}.`);
    };
    const subscription = client.onState((state) => show(state.devices));
    try {
      await client.call('pair', { udid }, { signal });
    } finally {
      subscription.dispose();
    }
    output.done({ udid }, `${name} trusts this computer.`);
  },
};
