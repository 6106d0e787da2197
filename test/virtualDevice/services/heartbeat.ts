import { delay } from '../../../src/base/abort';
import { dict, getOptionalString } from '../../../src/plist';
import { toDict, xmlBytes } from '../io/plistMessages';
import type { ServiceHandler } from '../serviceConnection';

/** Seconds between two Marcos, and how much later a Polo may come. */
const INTERVAL = 10;
const GRACE = 5;

/** Over the network the device drops the host's connections when no Polo comes; over the cable it does not care. */
export const serveHeartbeat: ServiceHandler = async (stream, device, { connection, signal }) => {
  for (;;) {
    await stream.writeMessage(xmlBytes(dict({ Command: 'Marco', Interval: INTERVAL, SupportsSleepyTime: true })));
    const timer = setTimeout(
      () => {
        device.log('heartbeat: no Polo');
        if (connection === 'usb') return;
        for (const open of [...device.connections]) if (open.connection === 'network') open.abort('close');
      },
      (INTERVAL + GRACE) * 1000,
    );
    try {
      const command = getOptionalString(toDict(await stream.readMessage()), 'Command');
      if (command !== 'Polo') throw new Error(`${command ?? 'nothing'} instead of Polo`);
    } finally {
      clearTimeout(timer);
    }
    await delay(INTERVAL * 1000, signal);
  }
};
