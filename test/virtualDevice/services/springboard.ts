import { dict, encodeBinaryPlist, getOptionalString, type PlistDict, type PlistValue } from '../../../src/plist';
import type { DeviceState } from '../deviceState';
import { toDict } from '../io/plistMessages';
import type { ServiceHandler } from '../serviceConnection';
import { appIcon } from './appIcon';
import { nameSeed } from './installationProxy';

export const serveSpringboard: ServiceHandler = async (stream, device) => {
  for (;;) {
    const message = toDict(await stream.readMessage());
    const reply = answer(device, message);
    // Phones answer in binary here.
    if (reply !== undefined) await stream.writeMessage(encodeBinaryPlist(reply));
  }
};

function answer(device: DeviceState, message: PlistDict): PlistValue | undefined {
  const command = getOptionalString(message, 'command');
  switch (command) {
    case 'getIconPNGData': {
      const bundleId = getOptionalString(message, 'bundleId') ?? '';
      const known = device.description.apps.some((app) => app.bundleId === bundleId);
      return known ? dict({ pngData: appIcon(nameSeed(bundleId)) }) : dict({ Error: 'Unknown application' });
    }
    case 'getIconState':
      return [
        device.description.apps.map((app) => dict({ bundleIdentifier: app.bundleId, displayName: app.name })),
        [],
      ];
    case 'setIconState':
      return undefined;
    case 'getInterfaceOrientation':
      return dict({ interfaceOrientation: 1 });
    case 'getHomeScreenWallpaperPNGData':
    case 'getHomeScreenWallpaperPreviewImage':
      return dict({ pngData: appIcon(device.description.seed) });
    default:
      device.log(`springboardservices: unknown command ${command ?? '(none)'}`);
      return dict({ Error: 'UnknownCommand' });
  }
}
