import { dict, getOptionalString, type PlistDict } from '../../../src/plist';
import { toDict, xmlBytes } from '../io/plistMessages';
import type { ServiceHandler, ServiceStream } from '../serviceConnection';

/** What anybody may observe: the names that have to do with pairing. */
const PUBLIC_NAMES = /^com\.apple\.mobile\.lockdown\./;

export const serveNotificationProxy: ServiceHandler = (stream, device) => serve(stream, device, () => true);

/** Started without a session: pairing-related names only. */
export const serveInsecureNotificationProxy: ServiceHandler = (stream, device) =>
  serve(stream, device, (name) => PUBLIC_NAMES.test(name));

async function serve(
  stream: ServiceStream,
  device: Parameters<ServiceHandler>[1],
  allowed: (name: string) => boolean,
): Promise<void> {
  const observed = new Set<string>();
  const send = (message: PlistDict) => stream.writeMessage(xmlBytes(message));
  const stop = device.onNotification.on((name) => {
    if (!observed.has(name)) return;
    // A connection that is gone is noticed by the reader.
    send(dict({ Command: 'RelayNotification', Name: name })).catch(() => {});
  });
  try {
    for (;;) {
      const message = toDict(await stream.readMessage());
      const command = getOptionalString(message, 'Command');
      const name = getOptionalString(message, 'Name');
      if (command === 'Shutdown') {
        await send(dict({ Command: 'ProxyDeath' }));
        return;
      }
      if ((command !== 'ObserveNotification' && command !== 'PostNotification') || !name) {
        throw new Error(`command ${command ?? '(none)'} without sense`);
      }
      if (!allowed(name)) device.log(`${command} ${name} refused without a session`);
      else if (command === 'ObserveNotification') observed.add(name);
      else device.receiveNotification(name);
    }
  } finally {
    stop();
  }
}
