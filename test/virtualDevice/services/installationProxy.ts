import {
  dict,
  encodeBinaryPlist,
  getOptionalArray,
  getOptionalDict,
  getOptionalString,
  getString,
} from '../../../src/plist';
import type { PlistDict, PlistValue } from '../../../src/plist';
import { seededBytes } from '../afc/fillMedia';
import type { AppDescription } from '../description';
import type { DeviceState } from '../deviceState';
import { toDict, xmlBytes } from '../io/plistMessages';
import type { ServiceHandler } from '../serviceConnection';

/** Apps in one message of an answer to Browse. */
const BATCH = 20;

/** Only when asked for by name: they are large. */
const ON_REQUEST: ReadonlySet<string> = new Set(['ApplicationSINF', 'iTunesMetadata']);

export const serveInstallationProxy: ServiceHandler = async (stream, device) => {
  const send = (message: Record<string, PlistValue | undefined>) => stream.writeMessage(xmlBytes(dict(message)));
  for (;;) {
    const message = toDict(await stream.readMessage());
    const command = getOptionalString(message, 'Command');
    const options = getOptionalDict(message, 'ClientOptions') ?? dict({});
    if (command === 'Browse') {
      const apps = matching(device, getOptionalString(options, 'ApplicationType')).map((app) => select(app, options));
      for (let index = 0; index < apps.length; index += BATCH) {
        const CurrentList = apps.slice(index, index + BATCH);
        await send({
          Status: 'BrowsingApplications',
          CurrentIndex: index,
          CurrentAmount: CurrentList.length,
          Total: apps.length,
          CurrentList,
        });
      }
      await send({ Status: 'Complete' });
    } else if (command === 'Lookup') {
      const wanted = getOptionalArray(options, 'BundleIDs');
      const apps = matching(device, getOptionalString(options, 'ApplicationType') ?? 'Any').filter(
        (app) => !wanted || wanted.includes(app.get('CFBundleIdentifier') ?? ''),
      );
      const found = apps.map((app) => [getString(app, 'CFBundleIdentifier'), select(app, options)] as const);
      await send({ Status: 'Complete', LookupResult: new Map(found) });
    } else {
      device.log(`installation_proxy: unknown command ${command ?? '(none)'}`);
      await send({ Error: 'UnknownCommand', ErrorDescription: `The command ${command ?? ''} is not known.` });
    }
  }
};

function matching(device: DeviceState, type = 'User'): PlistDict[] {
  const user = device.description.apps.map((app) => attributes(app, device));
  if (type === 'User') return user;
  const system = ['Preferences', 'mobilesafari', 'camera'].map((name) =>
    dict({
      ApplicationType: 'System',
      CFBundleDisplayName: name,
      CFBundleIdentifier: `com.apple.${name}`,
      CFBundleVersion: '1.0',
      Path: `/Applications/${name}.app`,
    }),
  );
  return type === 'System' ? system : [...user, ...system];
}

function select(app: PlistDict, options: PlistDict): PlistDict {
  const wanted = getOptionalArray(options, 'ReturnAttributes');
  return new Map([...app].filter(([key]) => (wanted ? wanted.includes(key) : !ON_REQUEST.has(key))));
}

function attributes(app: AppDescription, device: DeviceState): PlistDict {
  const seed = nameSeed(app.bundleId) ^ device.description.seed;
  const id = seededBytes(seed, 16).toString('hex').toUpperCase();
  const folder = `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
  return dict({
    ApplicationType: 'User',
    ApplicationSINF: app.store ? seededBytes(seed + 1, 1000) : undefined,
    CFBundleDisplayName: app.name,
    CFBundleExecutable: app.name.replace(/\W/g, ''),
    CFBundleIdentifier: app.bundleId,
    CFBundleName: app.name,
    CFBundleShortVersionString: app.version,
    CFBundleVersion: app.version,
    Container: `/private/var/mobile/Containers/Data/Application/${folder}`,
    DynamicDiskUsage: 4_096 * (1 + (seed & 0xfff)),
    Path: `/private/var/containers/Bundle/Application/${folder}/${app.name}.app`,
    StaticDiskUsage: 65_536 * (1 + (seed & 0xfff)),
    iTunesMetadata: app.store ? metadata(app, seed) : undefined,
  });
}

function metadata(app: AppDescription, seed: number): Uint8Array {
  return encodeBinaryPlist(
    dict({
      appleId: 'ann@example.org',
      bundleShortVersionString: app.version,
      itemId: seed >>> 1,
      itemName: app.name,
      kind: 'software',
      purchaseDate: new Date(Date.UTC(2023, 0, 1) + (seed & 0xffff) * 60_000),
      softwareVersionBundleId: app.bundleId,
    }),
  );
}

/** A number that differs from name to name and is always the same for one. */
export function nameSeed(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash >>> 0;
}
