import type { StateSwitches } from './description';

/** What `StateSwitches` describes, changeable while the device runs. */
export type Switches = { -readonly [Name in keyof StateSwitches]: StateSwitches[Name] };
export type SwitchName = keyof Switches;
/** New values of some switches; undefined takes an optional one away. */
export type SwitchChanges = { readonly [Name in SwitchName]?: Switches[Name] | undefined };

/** A phone out of the box that a person has set up, with nothing in the way of a backup. */
export const DEFAULT_SWITCHES: StateSwitches = {
  trust: 'grant',
  locked: false,
  passcodePrompt: 'enter',
  passcodeTimeoutMs: 180_000,
  findMy: false,
  backupForbidden: false,
  encryptionRequired: false,
  encryptionForbidden: false,
  setupDone: true,
  supervised: false,
  cloudBackup: false,
  wifiConnections: false,
  syncLockHeld: false,
  prepareMs: 0,
  rate: 0,
};

const kinds: Readonly<Record<SwitchName, readonly unknown[] | 'boolean' | 'number' | 'string'>> = {
  trust: ['ask', 'grant', 'deny', 'forbidden'],
  locked: 'boolean',
  passcodePrompt: ['enter', 'refuse', 'ignore', 'wait'],
  passcodeTimeoutMs: 'number',
  findMy: 'boolean',
  backupForbidden: 'boolean',
  encryptionRequired: 'boolean',
  encryptionForbidden: 'boolean',
  setupDone: 'boolean',
  supervised: 'boolean',
  backupPassword: 'string',
  cloudBackup: 'boolean',
  wifiConnections: 'boolean',
  syncLockHeld: 'boolean',
  prepareMs: 'number',
  rate: 'number',
  failWith: 'number',
  hostDiskFull: 'boolean',
  escrowLocked: 'boolean',
  lockdownIdleMs: 'number',
};

const optional: readonly SwitchName[] = [
  'backupPassword',
  'failWith',
  'hostDiskFull',
  'escrowLocked',
  'lockdownIdleMs',
];

/**
 * Checks switches that came as JSON; null takes an optional one away.
 * @throws Error naming the switch that does not exist or has another kind of value.
 */
export function checkSwitches(values: Readonly<Record<string, unknown>>): SwitchChanges {
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name as SwitchName] : undefined;
    if (!kind) throw new Error(`there is no switch ${name}; there are ${Object.keys(kinds).join(', ')}`);
    if (value === null || value === undefined) {
      if (!optional.includes(name as SwitchName)) throw new Error(`switch ${name} needs a value`);
      checked[name] = undefined;
    } else {
      const fits = typeof kind === 'string' ? typeof value === kind : kind.includes(value);
      if (!fits) throw new Error(`switch ${name} takes ${typeof kind === 'string' ? `a ${kind}` : kind.join(', ')}`);
      checked[name] = value;
    }
  }
  return checked;
}
