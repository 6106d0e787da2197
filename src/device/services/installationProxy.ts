import { AppError } from '../../base/errors';
import { dict, type PlistArray, type PlistDict } from '../../plist';
import { dictOf, shown } from '../lockdown/dictOf';
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
    const message = dictOf(await channel.receive({ signal }));
    const error = message.get('Error');
    if (error !== undefined) {
      const name = typeof error === 'string' ? error : 'an unnamed error';
      throw new AppError('deviceReportedError', `installation_proxy answered Browse with ${name}`, {
        details: { reason: name, number: name, description: 'installation_proxy' },
      });
    }
    // A batch may lack its list: then nothing was in it.
    const list = message.get('CurrentList');
    const batch = Array.isArray(list) ? (list as PlistArray) : [];
    for (const app of batch) if (app instanceof Map) apps.push(app);
    if (message.get('Status') === 'Complete') return apps;
    if (message.get('Status') !== 'BrowsingApplications') {
      throw new AppError(
        'unexpectedReply',
        `installation_proxy answered Browse with status ${shown(message.get('Status'))}`,
      );
    }
  }
}
