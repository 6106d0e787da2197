/** Where a domain is shown. */
export interface DomainFolder {
  readonly domain: string;
  /** `/`-separated, without a leading slash: `Apps/Notes`, `Camera Roll`. Unique whatever the case. */
  readonly path: string;
}

/** Single domains that people look for. */
const SINGLE: Readonly<Record<string, string>> = {
  BooksDomain: 'Books',
  CameraRollDomain: 'Camera Roll',
  HealthDomain: 'Health',
  HomeDomain: 'Home',
  HomeKitDomain: 'HomeKit',
  KeyboardDomain: 'Keyboard',
  KeychainDomain: 'Keychain',
  MediaDomain: 'Media',
  TonesDomain: 'Ringtones',
};

const SYSTEM = new Set([
  'DatabaseDomain',
  'InstallDomain',
  'ManagedPreferencesDomain',
  'MobileDeviceDomain',
  'NetworkDomain',
  'ProtectedDomain',
  'RootDomain',
  'SystemPreferencesDomain',
  'WirelessDomain',
]);

/** The folder of each family of domains; the part behind the first dash names the app, group or service. */
const FAMILIES: Readonly<Record<string, string>> = {
  AppDomain: 'Apps',
  AppDomainGroup: 'App Groups',
  AppDomainPlugin: 'App Extensions',
  SysContainerDomain: 'System/Services',
  SysSharedContainerDomain: 'System/Shared',
};

/**
 * Places the domains of a backup under names that people know. Domains without a file are left out: most are empty
 * folders of app extensions. The same backup always gives the same paths.
 * @param appNames Bundle identifier → name.
 */
export function domainFolders(
  domains: readonly { readonly domain: string; readonly hasFiles: boolean }[],
  appNames: ReadonlyMap<string, string>,
): readonly DomainFolder[] {
  const taken = new Set([...Object.values(FAMILIES), 'System'].map(folded));
  const shown = domains.filter(({ hasFiles }) => hasFiles).map(({ domain }) => domain);
  return shown.sort().map((domain) => {
    const { parent, name, id } = placeOf(domain, appNames);
    const place = (last: string) => (parent === '' ? last : `${parent}/${last}`);
    let path = place(plainName(name) || plainName(id) || '_');
    // Two apps of one name: the identifier tells them apart.
    if (taken.has(folded(path))) path = place(`${plainName(name)} (${plainName(id)})`);
    for (let number = 2; taken.has(folded(path)); number++)
      path = place(`${plainName(name)} (${plainName(id)}) ${number}`);
    taken.add(folded(path));
    return { domain, path };
  });
}

interface Place {
  readonly parent: string;
  readonly name: string;
  /** What tells it from another of the same name. */
  readonly id: string;
}

function placeOf(domain: string, appNames: ReadonlyMap<string, string>): Place {
  const single = Object.hasOwn(SINGLE, domain) ? SINGLE[domain] : undefined;
  if (single !== undefined) return { parent: '', name: single, id: domain };
  if (SYSTEM.has(domain)) return { parent: 'System', name: domain.replace(/Domain$/, ''), id: domain };
  const dash = domain.indexOf('-');
  const family = domain.slice(0, Math.max(0, dash));
  const parent = Object.hasOwn(FAMILIES, family) ? FAMILIES[family] : undefined;
  if (parent === undefined) return { parent: 'Other', name: domain, id: domain };
  const id = domain.slice(dash + 1);
  if (family === 'AppDomain') return { parent, name: appNames.get(id) ?? id, id };
  // The identifier alone says little; the app that it belongs to says more.
  const app = family.startsWith('AppDomain') ? ownerOf(id, appNames) : undefined;
  return { parent, name: app === undefined ? id : `${app} (${id})`, id: domain };
}

/** The name of the app with the longest identifier that is contained in that of its group or extension. */
function ownerOf(id: string, appNames: ReadonlyMap<string, string>): string | undefined {
  let owner = '';
  for (const app of appNames.keys()) if (app.length > owner.length && id.includes(app)) owner = app;
  return appNames.get(owner);
}

/** One name of a path. Names come from the App Store and from the device: no slash, nothing that cannot be seen. */
function plainName(name: string): string {
  const plain = name
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '')
    .replaceAll('/', '∕')
    .trim();
  return plain === '.' || plain === '..' ? '_' : plain.slice(0, 200);
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
