import { isCancellation } from '../../base/errors';
import type { Log } from '../../base/log';
import { dict } from '../../plist';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.mobile.assertion_agent';
const ASSERTION_TYPE = 'AMDPowerAssertionTypeWirelessSync';
/** The device forgets an assertion after that; renewed in time, also if one renewal fails. */
const VALID_S = 1_200;
const RENEW_MS = 590_000;

/**
 * Asks the device not to sleep until the result is disposed: off the charger it would drop Wi-Fi connections after some
 * fifteen minutes. A device that cannot do it is used all the same; the log tells.
 * @param name What for, as the device may show it in its diagnostics.
 * @throws AppError `cancelled` only.
 */
export async function keepAwake(
  device: TrustedDevice,
  name: string,
  { log, signal }: { readonly log: Log; readonly signal?: AbortSignal | undefined },
): Promise<AsyncDisposable> {
  let channel: PlistChannel | undefined;
  try {
    channel = new PlistChannel(await device.startService(SERVICE, {}, signal), 'assertion_agent');
    await assertOnce(channel, name, signal);
  } catch (error) {
    await channel?.close();
    if (isCancellation(error)) throw error;
    log.warn(`the device cannot be kept awake: ${error instanceof Error ? error.message : String(error)}`);
    return { async [Symbol.asyncDispose]() {} };
  }
  const held = channel;
  const timer = setInterval(() => {
    assertOnce(held, name).catch((error: unknown) =>
      log.warn(`the device is not kept awake any more: ${String(error)}`),
    );
  }, RENEW_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await held.close(); // The assertion ends with its connection.
    },
  };
}

async function assertOnce(channel: PlistChannel, name: string, signal?: AbortSignal): Promise<void> {
  await channel.send(
    dict({
      CommandKey: 'CommandCreateAssertion',
      AssertionTypeKey: ASSERTION_TYPE,
      AssertionNameKey: name,
      AssertionTimeoutKey: VALID_S,
    }),
  );
  await channel.receive({ signal });
}
