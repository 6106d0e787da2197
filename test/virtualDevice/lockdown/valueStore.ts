import type { PlistValue } from '../../../src/plist';
import type { DeviceState } from '../deviceState';
import { domainValues } from './domainValues';
import { globalValues, PUBLIC_KEYS } from './globalValues';

/** lockdown's error strings, as far as values are concerned. */
export type ValueError = 'MissingValue' | 'GetProhibited' | 'SetProhibited' | 'RemoveProhibited' | 'ImmutableValue';

export type ValueResult = { readonly value: PlistValue | undefined } | { readonly error: ValueError };

const WIRELESS = 'com.apple.mobile.wireless_lockdown';

/** Global keys that a host may set in a session. */
const settable: ReadonlySet<string> = new Set(['DeviceName', 'TimeIntervalSince1970', 'TimeZone', 'Uses24HourClock']);
const settableDomains: ReadonlySet<string> = new Set([
  'com.apple.Accessibility',
  'com.apple.iTunes',
  'com.apple.international',
  'com.apple.mobile.data_sync',
  'com.apple.mobile.iTunes',
  'com.apple.mobile.user_preferences',
  WIRELESS,
]);

/** @param key absent: everything that can be read in the domain. @param domain '' is the global one. */
export async function getValue(
  device: DeviceState,
  domain: string,
  key: string | undefined,
  inSession: boolean,
): Promise<ValueResult> {
  const all = new Map<string, PlistValue>(domain === '' ? await globalValues(device) : domainValues(device, domain));
  for (const [name, value] of device.settings.get(domain) ?? []) {
    if (value === undefined) all.delete(name);
    else all.set(name, value);
  }
  if (inSession) return key === undefined ? { value: all } : found(all, key);
  if (domain !== '') return { error: 'GetProhibited' };
  if (key === undefined) return { value: new Map([...all].filter(([name]) => PUBLIC_KEYS.has(name))) };
  if (PUBLIC_KEYS.has(key) || !all.has(key)) return found(all, key);
  return { error: 'GetProhibited' };
}

export async function setValue(
  device: DeviceState,
  domain: string,
  key: string,
  value: PlistValue,
  inSession: boolean,
): Promise<ValueResult> {
  // The system's usbmuxd tells a device which computer it is on before there can be a session.
  if (domain === '' && key === 'UntrustedHostBUID' && device.isAtLeast('7.0')) {
    return typeof value === 'string' ? { value } : { error: 'SetProhibited' };
  }
  if (!inSession) return { error: 'SetProhibited' };
  if (domain === '' && key === 'DeviceName') {
    if (typeof value !== 'string' || value === '') return { error: 'SetProhibited' };
    device.rename(value);
    return { value };
  }
  if (domain === WIRELESS && key === 'EnableWifiConnections') {
    if (typeof value !== 'boolean') return { error: 'SetProhibited' };
    device.setSwitches({ wifiConnections: value });
    return { value };
  }
  if (domain === '' && !settable.has(key)) {
    return { error: (await globalValues(device)).has(key) ? 'ImmutableValue' : 'SetProhibited' };
  }
  if (domain !== '' && !settableDomains.has(domain)) {
    return { error: domainValues(device, domain).has(key) ? 'ImmutableValue' : 'SetProhibited' };
  }
  setting(device, domain).set(key, value);
  if (domain === 'com.apple.international') device.postNotification('com.apple.language.changed');
  return { value };
}

export function removeValue(device: DeviceState, domain: string, key: string, inSession: boolean): ValueResult {
  if (!inSession || !settableDomains.has(domain) || (domain === WIRELESS && key === 'EnableWifiConnections')) {
    return { error: 'RemoveProhibited' };
  }
  const known = device.settings.get(domain)?.get(key) !== undefined || domainValues(device, domain).has(key);
  if (!known) return { error: 'MissingValue' };
  setting(device, domain).set(key, undefined);
  return { value: undefined };
}

function found(all: ReadonlyMap<string, PlistValue>, key: string): ValueResult {
  const value = all.get(key);
  return value === undefined ? { error: 'MissingValue' } : { value };
}

function setting(device: DeviceState, domain: string): Map<string, PlistValue | undefined> {
  const values = device.settings.get(domain) ?? new Map<string, PlistValue | undefined>();
  device.settings.set(domain, values);
  return values;
}
