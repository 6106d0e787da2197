import { dict, getOptionalArray, getOptionalString, type PlistDict, type PlistValue } from '../../../src/plist';
import type { DeviceState } from '../deviceState';
import { toDict, xmlBytes } from '../io/plistMessages';
import type { ServiceHandler } from '../serviceConnection';

/** How long a restart takes here. */
const RESTART_MS = 300;

type Reply = Readonly<Record<string, PlistValue | undefined>>;

export const serveDiagnosticsRelay: ServiceHandler = async (stream, device) => {
  for (;;) {
    const message = toDict(await stream.readMessage());
    const request = getOptionalString(message, 'Request');
    await stream.writeMessage(xmlBytes(dict(answer(device, request, message))));
    if (request === 'Goodbye') return;
    if (request === 'Restart') device.later(20, () => device.restart(RESTART_MS));
    if (request === 'Shutdown') device.later(20, () => device.unplug());
  }
};

function answer(device: DeviceState, request: string | undefined, message: PlistDict): Reply {
  const success = (Diagnostics?: PlistDict): Reply => ({ Status: 'Success', Diagnostics });
  switch (request) {
    case 'MobileGestalt':
      return success(dict({ MobileGestalt: gestalt(device, message) }));
    case 'IORegistry':
      return success(dict({ IORegistry: battery() }));
    case 'All':
    case 'GasGauge':
      return success(dict({ GasGauge: dict({ CycleCount: 112, DesignCapacity: 3227, FullChargeCapacity: 3019 }) }));
    case 'WiFi':
      return success(dict({ WiFi: dict({ Active: true }) }));
    case 'NAND':
      return success(dict({ NAND: dict({}) }));
    case 'Restart':
    case 'Shutdown':
    case 'Sleep':
    case 'Goodbye':
      return success();
    default:
      device.log(`diagnostics_relay: unknown request ${request ?? '(none)'}`);
      return { Status: 'UnknownRequest' };
  }
}

function gestalt(device: DeviceState, message: PlistDict): PlistDict {
  if (device.isAtLeast('17.4')) return dict({ Status: 'MobileGestaltDeprecated' });
  const known: Record<string, PlistValue> = {
    DeviceName: device.name,
    PasswordConfigured: device.passcodeSet,
    ProductVersion: device.description.productVersion,
    UniqueDeviceID: device.udid,
  };
  const keys = (getOptionalArray(message, 'MobileGestaltKeys') ?? []).filter((key) => typeof key === 'string');
  const values = keys.filter((key) => Object.hasOwn(known, key)).map((key) => [key, known[key]] as const);
  return dict({ Status: 'Success', ...Object.fromEntries(values) });
}

function battery(): PlistDict {
  return dict({
    AppleRawCurrentCapacity: 2626,
    AppleRawMaxCapacity: 3019,
    AtCriticalLevel: false,
    CurrentCapacity: 87,
    CycleCount: 112,
    DesignCapacity: 3227,
    ExternalConnected: true,
    FullyCharged: false,
    IsCharging: true,
    MaxCapacity: 100,
    Temperature: 2980,
    Voltage: 4310,
  });
}
