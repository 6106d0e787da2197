import { AppError } from '../../base/errors';
import { dict, type PlistDict } from '../../plist';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.mobile.installation_proxy';

/**
 * The apps that the user has installed, each with those of the wanted attributes that it has.
 * @param attributes For example `CFBundleIdentifier`; `ApplicationSINF` and `iTunesMetadata` come only when named.
 * @throws AppError `serviceUnavailable`, `deviceReportedError`, `unexpectedReply`, `deviceGone`, `timedOut`, `cancelled` …
 */
export async function browseUserApps(
  device: TrustedDevice,
  attributes: readonly string[],
  signal?: AbortSignal,
): Promise<readonly PlistDict[]> {
  await using channel = new PlistChannel(await device.startService(SERVICE, {}, signal), 'installation_proxy');
  const options = dict({ ApplicationType: 'User', ReturnAttributes: attributes });
  await channel.send(dict({ Command: 'Browse', ClientOptions: options }));
  const apps: PlistDict[] = [];
  for (;;) {
    const message = await channel.receive({ signal });
    if (!(message instanceof Map)) throw new AppError('unexpectedReply', 'installation_proxy sent no dictionary');
    const error = message.get('Error');
    if (error !== undefined) {
      const name = typeof error === 'string' ? error : 'an unnamed error';
      throw new AppError('deviceReportedError', `installation_proxy answered Browse with ${name}`, {
        details: { reason: name },
      });
    }
    // A batch may lack its list: then nothing was in it.
    const list = message.get('CurrentList');
    if (Array.isArray(list)) for (const app of list) if (app instanceof Map) apps.push(app);
    if (message.get('Status') === 'Complete') return apps;
    if (message.get('Status') !== 'BrowsingApplications') {
      throw new AppError(
        'unexpectedReply',
        `installation_proxy answered Browse with status ${String(message.get('Status'))}`,
      );
    }
  }
}
