import { isAppError } from '../../base/errors';
import { UDID_OPTION, type Command } from '../command';
import { findDevice } from '../findDevice';

export const unpair: Command = {
  summary: 'end the trust between a device and this computer',
  options: { udid: UDID_OPTION },
  help: ['Other programs on this computer, such as Finder, have to pair with the device again too.'],
  async run({ engine, option, output, signal }) {
    const client = await engine();
    const udid = option('udid');
    const device = await findDevice(client, udid, signal).catch((error: unknown) => {
      // A device that is gone for good can be forgotten too, if it was named.
      if (udid !== undefined && isAppError(error, 'deviceNotFound')) return { udid, identity: undefined };
      throw error;
    });
    await client.call('unpair', { udid: device.udid }, { signal });
    output.done({ udid: device.udid }, `${device.identity?.name ?? device.udid} is forgotten.`);
  },
};
