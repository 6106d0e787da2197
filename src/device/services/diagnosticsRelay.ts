import { AppError } from '../../base/errors';
import { dict, type PlistDict, type PlistValue } from '../../plist';
import { dictOf, shown } from '../lockdown/dictOf';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.mobile.diagnostics_relay';

/**
 * Whether the device has a passcode; undefined if it does not tell, as from iOS 17.4 on.
 * @throws AppError `serviceUnavailable`, `deviceGone`, `unexpectedReply`, `timedOut`, `cancelled` …
 */
export async function readPasscodeSet(device: TrustedDevice, signal?: AbortSignal): Promise<boolean | undefined> {
  const reply = await askDiagnostics(
    device,
    { Request: 'MobileGestalt', MobileGestaltKeys: ['PasswordConfigured'] },
    signal,
  );
  const answers = dictOf(dictOf(reply.get('Diagnostics')).get('MobileGestalt'));
  const configured = answers.get('PasswordConfigured');
  return typeof configured === 'boolean' ? configured : undefined;
}

/**
 * Restarts the device.
 * @throws AppError `deviceReportedError` if it refuses.
 */
export async function restartDevice(device: TrustedDevice, signal?: AbortSignal): Promise<void> {
  const reply = await askDiagnostics(device, { Request: 'Restart', WaitForDisconnect: false }, signal);
  const status = reply.get('Status');
  if (status !== 'Success') {
    throw new AppError('deviceReportedError', `diagnostics_relay answered Restart with ${shown(status)}`, {
      details: { number: shown(status), description: 'diagnostics_relay Restart' },
    });
  }
}

async function askDiagnostics(
  device: TrustedDevice,
  request: Readonly<Record<string, PlistValue>>,
  signal: AbortSignal | undefined,
): Promise<PlistDict> {
  await using channel = new PlistChannel(await device.startService(SERVICE, {}, signal), 'diagnostics_relay');
  await channel.send(dict(request));
  const reply = await channel.receive({ signal });
  if (!(reply instanceof Map)) throw new AppError('unexpectedReply', 'diagnostics_relay sent no dictionary');
  // Politeness; the device closes by itself after a restart.
  await channel.send(dict({ Request: 'Goodbye' })).catch(() => {});
  return reply;
}
