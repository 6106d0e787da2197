import type { DeviceDescription } from './description';
import { checkSwitches, DEFAULT_SWITCHES } from './switches';
import { presetNamed } from './presets';

/** A UDID as usbmuxd lists it. */
const UDID = /^([0-9a-f]{40}|[0-9A-F]{8}-[0-9A-F]{16})$/;

/**
 * A description that came as JSON. `preset` names one that the rest is laid over; without it, all fields must be there.
 * @throws Error saying which field is wrong.
 */
export function checkDescription(value: unknown): DeviceDescription {
  if (typeof value !== 'object' || value === null) throw new Error('a device is described by an object');
  const { preset, state, ...rest } = value as Record<string, unknown>;
  const switches = checkSwitches((state ?? {}) as Record<string, unknown>);
  const base: Record<string, unknown> =
    typeof preset === 'string' ? { ...presetNamed(preset) } : { state: DEFAULT_SWITCHES };
  const whole = { ...base, ...rest, state: { ...(base['state'] as object), ...switches } } as Record<string, unknown>;
  for (const key of [
    'udid',
    'name',
    'deviceClass',
    'productType',
    'productVersion',
    'buildVersion',
    'serialNumber',
    'locale',
  ]) {
    if (typeof whole[key] !== 'string') throw new Error(`${key} must be a string`);
  }
  for (const key of ['capacity', 'free', 'seed']) {
    if (typeof whole[key] !== 'number') throw new Error(`${key} must be a number`);
  }
  if (!UDID.test(String(whole['udid']))) throw new Error(`not a UDID: ${String(whole['udid'])}`);
  if (!['iPhone', 'iPad', 'iPod'].includes(String(whole['deviceClass'])))
    throw new Error('deviceClass: iPhone, iPad or iPod');
  const connections = whole['connections'];
  if (!Array.isArray(connections) || connections.some((one) => one !== 'usb' && one !== 'network')) {
    throw new Error('connections must be an array of usb and network');
  }
  if (!Array.isArray(whole['apps'])) throw new Error('apps must be an array');
  const content = whole['content'] as { files?: unknown; groups?: unknown } | undefined;
  if (!Array.isArray(content?.files) || !Array.isArray(content.groups))
    throw new Error('content needs files and groups');
  return whole as unknown as DeviceDescription;
}
